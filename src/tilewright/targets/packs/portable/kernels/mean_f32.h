/// Mean over one or two groups of neighbouring dimensions, in float32.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x; // [kept0][reduced0][kept1][reduced1][kept2]
  float *y;       // [kept0][kept1][kept2]
  int32_t reduced0, kept1, reduced1, kept2;
} mean_f32_args;

/// Work items are rows of y, kept0 * kept1.
void mean_f32(const void *args, tw_work work);
