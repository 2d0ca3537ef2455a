/// y = x * scale + bias per channel, in float32: a batch normalisation that no layer absorbed.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;        // [pixels][channels]
  const float *scale;    // [channels], variance and epsilon included
  const float *bias;     // [channels], mean included
  const float *mean;     // not read
  const float *variance; // not read
  float *y;              // [pixels][channels]; may be x itself
  int32_t channels;
} batch_norm_f32_args;

/// Work items are pixels: everything before the last dimension.
void batch_norm_f32(const void *args, tw_work work);
