/// Sums of two tensors of one shape, rounded half up; the meaning is RescaledAdd in
/// src/tilewright/ops/arithmetic_onnx.py.
#pragma once

#include "tilewright.h"

/// Work items are elements.
typedef struct {
  const int8_t *a;
  const int8_t *b;
  int8_t *y;
  int32_t a_multiplier, b_multiplier;
  int32_t start; // what both zero points add
  int32_t shift; // 0 .. 30
  int32_t y_zero;
  int32_t low, high; // clip range of the output, within int8
} rescaled_add_xpulp_args;

void rescaled_add_xpulp(const void *args, tw_work work);
