/// Convolution in float32, dense or grouped, clipped.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;    // [N][in_h][in_w][groups * depth], or with its channels first: see step_*
  const float *w;    // [groups][ceil(outputs / 8)][kernel_h][kernel_w][depth][8], filled up with 0
  const float *bias; // [groups * outputs]
  float *y;          // [N][out_h][out_w][groups * outputs]
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t groups;
  int32_t depth;                          // input channels of one group
  int32_t outputs;                        // output channels of one group
  int32_t step_n, step_h, step_w, step_c; // elements of x from one image, row, .. to the next
  float low, high;                        // -INFINITY, INFINITY where nothing is clipped
} conv2d_f32_args;

/// Work items are output pixels, N * out_h * out_w.
void conv2d_f32(const void *args, tw_work work);
