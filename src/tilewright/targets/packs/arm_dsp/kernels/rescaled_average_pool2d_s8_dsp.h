/// Average pooling of int8 values, rounded once; the meaning is RescaledAveragePool2d in
/// src/tilewright/ops/pool_onnx.py, with at least four channels and windows of at most 256.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;           // [images][in_h][in_w][channels]
  const int32_t *multiplier; // [kernel_h * kernel_w] by count of elements - 1, or [1]
  const int8_t *shift;       // as many; both as dsp_rescale wants them
  int8_t *y;                 // [images][out_h][out_w][channels]
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
  int32_t x_zero, y_zero; // zero points
  int32_t low, high;      // clip range of the output, within int8
  int32_t table_step;     // 1: one multiplier and shift per count, 0: one for all
} rescaled_average_pool2d_s8_dsp_args;

/// Work items are output pixels.
void rescaled_average_pool2d_s8_dsp_half_even(const void *args, tw_work work);
void rescaled_average_pool2d_s8_dsp_half_up(const void *args, tw_work work);
