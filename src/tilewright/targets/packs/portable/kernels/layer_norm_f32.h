/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias over each row, in float32.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;     // [rows][length]
  const float *scale; // [length]
  const float *bias;  // [length]
  float *y;           // [rows][length]; may be x itself
  int32_t length;
  float epsilon;
} layer_norm_f32_args;

/// Work items are rows.
void layer_norm_f32(const void *args, tw_work work);
