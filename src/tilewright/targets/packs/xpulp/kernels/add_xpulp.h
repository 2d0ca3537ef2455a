/// Sums of int8 values of equal shape under the tflite contract; the meaning is QAdd in
/// src/tilewright/ops/arithmetic_tflite.py.
#pragma once

#include "tilewright.h"

/// Work items are elements of the output.
typedef struct {
  const int8_t *a;    // of elements each
  const int8_t *b;    //
  int8_t *y;          // may be a or b
  int32_t half_is_a;  // 1: a has the common scale, b is scaled to it; 0: the other way round
  int32_t half_zero;  // zero point of the one
  int32_t other_zero; // zero point of the other
  int32_t other_multiplier, other_shift; // to the common scale; shift <= 0
  int32_t y_zero;
  int32_t multiplier, shift; // to the output's scale; shift < 0
  int32_t low, high;         // clip range of the output, within int8
} add_xpulp_args;

/// Scratch: [256] int32, what each value of the other operand adds.
void add_xpulp(const void *args, tw_work work);
