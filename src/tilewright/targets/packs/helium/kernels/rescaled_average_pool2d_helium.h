/// Average pooling under the onnx contract with Helium; the meaning is RescaledAveragePool2d in
/// src/tilewright/ops/pool_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;           // [images][in_h][in_w][channels]
  const int32_t *multiplier; // [counts]; entry n - 1 is for n elements inside the input
  const int8_t *shift;       // [counts], see helium_rescale.h
  int8_t *y;                 // [images][out_h][out_w][channels]
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w; // at most 256 elements
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t dilation_h, dilation_w;
  int32_t channels;
  int32_t x_zero;            // zero point of the input
  int32_t y_zero, low, high; // zero point and clip range of the output, within int8
  int32_t table_step;        // 0: the first entry serves every count
} rescaled_average_pool2d_helium_args;

/// Results round half to even. Work items are output pixels.
void rescaled_average_pool2d_helium(const void *args, tw_work work);
