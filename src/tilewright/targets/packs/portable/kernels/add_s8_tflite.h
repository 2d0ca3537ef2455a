/// Sums of int8 values under the tflite contract; the meaning is QAdd in
/// src/tilewright/ops/arithmetic_tflite.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *a;        // strides a0..a3, see broadcast.h
  const int8_t *b;        // strides b0..b3
  int8_t *y;              // [n0][n1][n2][n3]; may be a or b where that is not repeated
  int32_t n1, n2, n3;     // extents of the output
  int32_t a0, a1, a2, a3; // elements from one index to the next; 0 where repeated
  int32_t b0, b1, b2, b3;
  int32_t a_zero, b_zero, y_zero; // zero points
  int32_t a_multiplier, a_shift;  // from a's scale to the common one; shift <= 0
  int32_t b_multiplier, b_shift;  // from b's scale to the common one; shift <= 0
  int32_t multiplier, shift;      // from the common scale to the output's; shift <= 0
  int32_t low, high;              // clip range of the output, within int8
} add_s8_tflite_args;

/// Work items are elements of the output.
void add_s8_tflite(const void *args, tw_work work);
