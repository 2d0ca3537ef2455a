/// int8 depthwise convolution with any window; the meaning is QDepthwiseConv2d in
/// src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. Windows are as wide as they reach:
/// between the columns of a dilated one, weights are zero. Output channel o reads input channel
/// o / multiple. o4 is out_c rounded up to a multiple of four.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c]
  const int8_t *w;           // [o4][taps]: [extent_w][kernel_h]
  const int32_t *bias;       // [o4], x_zero folded in
  const int32_t *multiplier; // [o4]
  const int8_t *shift;       // [o4], see helium_rescale.h
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c, multiple;
  int32_t kernel_h, taps; // taps = kernel_h * extent_w
  int32_t stride_h, stride_w, dilation_h;
  int32_t pad_top, pad_left;
  int32_t turns;     // 1: input rows stay in scratch, weights follow; 0: every output row gathers
  int32_t block;     // input channels that share scratch
  int32_t columns;   // of a row that the windows read: in_w, or less
  int32_t plane;     // bytes of scratch from channel to channel: kernel_h rows, and padding
  int32_t planes;    // bytes of scratch that hold rows and padding
  int32_t at_once;   // output pixels whose sums lie in scratch
  int32_t x_zero;    // what padding reads
  int32_t w_zero;    // zero point of the weights
  int32_t y_zero;    // zero point of the output
  int32_t low, high; // clip range of the output, within int8
} depthwise_helium_args;

/// One work item is one output pixel. Scratch: see depthwise_helium.py.
void depthwise_helium_double(const void *args, tw_work work);
void depthwise_helium_half_even(const void *args, tw_work work);

/// One work item is `block` channels of one image: less scratch, and y may be x itself.
void depthwise_blocks_helium_double(const void *args, tw_work work);
void depthwise_blocks_helium_half_even(const void *args, tw_work work);
