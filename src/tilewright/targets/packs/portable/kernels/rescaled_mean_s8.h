/// Mean over neighbouring dimensions with one rounding; the meaning is RescaledMean in
/// src/tilewright/ops/pool_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x; // [outer][count][inner]
  int8_t *y;       // [outer][inner]
  int32_t count, inner;
  int32_t x_zero, y_zero;    // zero points
  int32_t multiplier, shift; // of a sum, see ops/rescale.py
  int32_t low, high;         // clip range of the output, within int8
} rescaled_mean_s8_args;

/// Work items are elements of the output.
void rescaled_mean_s8_half_even(const void *args, tw_work work);
void rescaled_mean_s8_half_up(const void *args, tw_work work);
