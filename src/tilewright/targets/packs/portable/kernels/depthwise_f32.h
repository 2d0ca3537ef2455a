/// Depthwise convolution in float32, clipped.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;    // [N][in_h][in_w][outputs / multiplier]
  const float *w;    // [kernel_h][kernel_w][outputs]
  const float *bias; // [outputs]
  float *y;          // [N][out_h][out_w][outputs]
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t outputs;
  int32_t multiplier; // output channel o reads input channel o / multiplier
  float low, high;    // -INFINITY, INFINITY where nothing is clipped
} depthwise_f32_args;

/// Work items are output pixels, N * out_h * out_w.
void depthwise_f32(const void *args, tw_work work);
