/// Average pooling of int8 values under the tflite contract; the meaning is QAveragePool2d in
/// src/tilewright/ops/pool_tflite.py, with at least four channels and windows of at most 256.
#pragma once

#include "dsp_window.h"

typedef struct {
  const int8_t *x; // [images][in_h][in_w][channels]
  int8_t *y;       // [images][out_h][out_w][channels]
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
  int32_t offset;    // added before rounding and taken off after it: which way halves go
  int32_t low, high; // clip range of the output, within int8
} average_pool2d_s8_dsp_args;

/// Work items are output pixels.
void average_pool2d_s8_dsp_tflite(const void *args, tw_work work);
