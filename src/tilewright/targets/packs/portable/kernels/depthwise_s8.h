/// int8 depthwise convolution; the meaning is QDepthwiseConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c]
  const int8_t *w;           // [kernel_h][kernel_w][out_c]
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c] or [1]
  const int32_t *shift;      // [out_c] or [1]
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c; // out_c is a multiple of in_c
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t x_zero;     // what padding reads
  int32_t w_zero;     // zero point of the weights
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 1: one multiplier and shift per channel, 0: one for all
} depthwise_s8_args;

/// Scratch: [out_c] accumulators, then in_c bytes of padding. One work item is one output pixel.
void depthwise_s8_double(const void *args, tw_work work);
void depthwise_s8_half_even(const void *args, tw_work work);
void depthwise_s8_half_up(const void *args, tw_work work);

/// Channel by channel, for out_c = in_c: y may be x itself where both have the same size.
/// Scratch: [kernel_h][kernel_w] int16, then [in_h][in_w] bytes. One work item is one channel of
/// one image.
void depthwise_s8_planes_double(const void *args, tw_work work);
void depthwise_s8_planes_half_even(const void *args, tw_work work);
void depthwise_s8_planes_half_up(const void *args, tw_work work);
