/// int8 convolution, dense or grouped; the meaning is QConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c], or [batch][in_c][in_h][in_w]
  const int8_t *w;           // [out_c][kernel_h][kernel_w][in_c / groups]
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c] or [1]
  const int32_t *shift;      // [out_c] or [1]
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t groups;            // divides in_c and out_c
  int32_t is_channels_first; // 1: x is [batch][in_c][in_h][in_w]
  int32_t x_zero;            // what padding reads
  int32_t w_zero;            // zero point of the weights
  int32_t y_zero;            // zero point of the output
  int32_t low, high;         // clip range of the output, within int8
  int32_t table_step;        // 1: one multiplier and shift per channel, 0: one for all
} conv2d_s8_args;

/// Scratch: [4][kernel_h * kernel_w * in_c] int16, widened patches.
void conv2d_s8_double(const void *args, tw_work work);
void conv2d_s8_half_even(const void *args, tw_work work);
void conv2d_s8_half_up(const void *args, tw_work work);

/// One patch at a time: a quarter of the scratch.
void conv2d_s8_narrow_double(const void *args, tw_work work);
void conv2d_s8_narrow_half_even(const void *args, tw_work work);
void conv2d_s8_narrow_half_up(const void *args, tw_work work);
