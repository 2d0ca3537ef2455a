/// Average pooling under the tflite contract; the meaning is QAveragePool2d in
/// src/tilewright/ops/pool_tflite.py.
#pragma once

#include "tilewright.h"

/// One work item is four channels of one output pixel; items go over channels first.
typedef struct {
  const int8_t *x; // [images][in_h][in_w][channels]
  int8_t *y;       // [images][out_h][out_w][channels], same scale and zero point
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t dilation_h, dilation_w;
  int32_t channels;
  int32_t offset;    // added before rounding and taken off after it: which way halves go
  int32_t low, high; // clip range of the output, within int8
} average_pool_xpulp_args;

void average_pool_xpulp(const void *args, tw_work work);
