/// y[i] = clip(round_half_even(x[i] / scale) + zero_point, -128, 127); NaN gives zero_point.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;     // [size]
  int8_t *y;          // [size]
  int32_t zero_point; // -128 .. 127
  float scale;        // > 0
} quantize_s8_args;

/// Work items are elements.
void quantize_s8(const void *args, tw_work work);
