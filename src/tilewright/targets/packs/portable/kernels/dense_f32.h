/// y = clip(x @ w.T + bias, low, high) in float32.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;    // [rows][depth]
  const float *w;    // [ceil(outputs / 8)][depth][8]; weights beyond `outputs` are 0
  const float *bias; // [outputs]
  float *y;          // [rows][outputs]
  int32_t depth, outputs;
  float low, high; // -INFINITY, INFINITY where nothing is clipped
} dense_f32_args;

/// Work items are rows.
void dense_f32(const void *args, tw_work work);
