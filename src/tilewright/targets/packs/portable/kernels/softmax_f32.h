/// y = exp(beta * x) / sum(exp(beta * x)) over each row, in float32.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x; // [rows][columns]
  float *y;       // [rows][columns]
  int32_t columns;
  float beta;
} softmax_f32_args;

/// Work items are rows.
void softmax_f32(const void *args, tw_work work);
