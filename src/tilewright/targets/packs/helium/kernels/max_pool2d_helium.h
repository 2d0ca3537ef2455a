/// The largest int8 value of every window with Helium; the meaning is MaxPool2d in
/// src/tilewright/ops/pool2d.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x; // [images][in_h][in_w][channels]
  int8_t *y;       // [images][out_h][out_w][channels]
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t dilation_h, dilation_w;
  int32_t channels;
} max_pool2d_helium_args;

/// Work items are output pixels. A window that is all padding gives -128.
void max_pool2d_helium(const void *args, tw_work work);
