/// int8 depthwise convolution; the meaning is QDepthwiseConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is `item_rows`
/// output rows of four channels: items go over row blocks first, then over groups of channels, then
/// images.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][channels]
  const int8_t *w;           // [channels in fours][kernel_h][kernel_w in fours], zeros beyond
  const int32_t *bias;       // [channels in fours], x_zero folded in
  const int32_t *multiplier; // [channels in fours]
  const int32_t *shift;      // [channels in fours], as xp_requantise.h wants it
  int8_t *y;                 // [batch][out_h][out_w][channels]
  int32_t in_h, in_w;
  int32_t out_h, out_w, channels;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left; // pad_left is at most 4
  int32_t x_zero;            // what padding reads
  int32_t y_zero;            // zero point of the output
  int32_t low, high;         // clip range of the output, within int8
  int32_t item_rows;
  int32_t pitch; // bytes of a row of a plane: a multiple of 4, with 4 before the first column
} depthwise_xpulp_args;

/// Scratch: [4][(item_rows - 1) * stride_h + kernel_h][pitch], four channels' planes.
void depthwise_xpulp_double(const void *args, tw_work work);
void depthwise_xpulp_half_even(const void *args, tw_work work);
void depthwise_xpulp_half_up(const void *args, tw_work work);
