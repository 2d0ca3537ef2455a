/// y = clip(round((da * a_multiplier + db * b_multiplier) / 2**shift) + y_zero) with da = a -
/// a_zero, db = b - b_zero; the meaning is RescaledAdd in src/tilewright/ops/arithmetic_onnx.py.
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
  int32_t low, high;              // clip range of the output, within int8
  int32_t a_multiplier, b_multiplier;
  int32_t shift; // 0 .. 30; 255 * (a_multiplier + b_multiplier) + 2**shift < 2**31
} rescaled_add_s8_args;

/// Work items are elements of the output.
void rescaled_add_s8_half_even(const void *args, tw_work work);
void rescaled_add_s8_half_up(const void *args, tw_work work);
