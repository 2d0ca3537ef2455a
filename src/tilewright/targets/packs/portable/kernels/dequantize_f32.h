/// y[i] = scale * (x[i] - zero_point) in float32.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;    // [size]
  float *y;           // [size]
  int32_t zero_point; // -128 .. 127
  float scale;        // > 0
} dequantize_f32_args;

/// Work items are elements.
void dequantize_f32(const void *args, tw_work work);
