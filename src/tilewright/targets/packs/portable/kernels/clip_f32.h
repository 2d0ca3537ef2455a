/// y[i] = min(max(x[i], low), high); NaN stays NaN.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;  // [size]
  float *y;        // [size]; may be x itself
  float low, high; // -INFINITY, INFINITY where nothing is clipped
} clip_f32_args;

/// Work items are elements.
void clip_f32(const void *args, tw_work work);
