/// Pooling over sliding windows: x[N][in_h][in_w][channels] -> y[N][out_h][out_w][channels].
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;
  int8_t *y;
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
} max_pool2d_s8_args;

typedef struct {
  const float *x;
  float *y;
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
} max_pool2d_f32_args;

typedef struct {
  const float *x;
  float *y;
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
  int32_t counts_padding; // 1: divide by the whole window, 0: by what lies inside the input
} average_pool2d_f32_args;

/// Work items are output pixels, N * out_h * out_w. The largest element of each window; padding
/// never wins, and a window that is all padding gives the smallest value of the type.
void max_pool2d_s8(const void *args, tw_work work);
void max_pool2d_f32(const void *args, tw_work work);

/// Work items as above. The mean of each window.
void average_pool2d_f32(const void *args, tw_work work);
