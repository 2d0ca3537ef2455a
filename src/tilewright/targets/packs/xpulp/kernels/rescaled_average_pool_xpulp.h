/// Average pooling, rounded half up; the meaning is RescaledAveragePool2d in
/// src/tilewright/ops/pool_onnx.py.
#pragma once

#include "tilewright.h"

/// One work item is four channels of one output pixel; items go over channels first.
typedef struct {
  const int8_t *x;           // [images][in_h][in_w][channels]
  const int32_t *multiplier; // [kernel_h * kernel_w] by count of elements - 1, or [1]
  const int8_t *shift;       // as many
  int8_t *y;                 // [images][out_h][out_w][channels]
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t dilation_h, dilation_w;
  int32_t channels;
  int32_t x_zero, y_zero;
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 1: one multiplier and shift per count, 0: one for all
} rescaled_average_pool_xpulp_args;

void rescaled_average_pool_xpulp(const void *args, tw_work work);
