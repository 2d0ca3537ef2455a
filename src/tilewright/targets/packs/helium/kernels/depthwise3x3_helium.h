/// int8 depthwise 3x3 convolution with Helium; the meaning is QDepthwiseConv2d in
/// src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
/// c4 is channels rounded up to a multiple of four.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][channels]
  const int8_t *w;           // [c4][3][3]: [kernel_w][kernel_h]
  const int32_t *bias;       // [c4], x_zero folded in
  const int32_t *multiplier; // [c4]
  const int8_t *shift;       // [c4], see helium_rescale.h
  int8_t *y;                 // [batch][out_h][out_w][channels]
  int32_t in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t columns;   // of a row that the windows read: in_w, or less
  int32_t plane;     // bytes of scratch from channel to channel: three rows, and padding
  int32_t planes;    // bytes of scratch that hold rows and padding
  int32_t x_zero;    // what padding reads
  int32_t y_zero;    // zero point of the output
  int32_t low, high; // clip range of the output, within int8
} depthwise3x3_helium_args;

/// Scratch: [c4][plane / 3][3] int8, see depthwise3x3_helium.py.
void depthwise3x3_helium_double(const void *args, tw_work work);
/// Where low is below the zero point; the one above: where it is not.
void depthwise3x3_helium_double_signed(const void *args, tw_work work);
void depthwise3x3_helium_half_even(const void *args, tw_work work);
