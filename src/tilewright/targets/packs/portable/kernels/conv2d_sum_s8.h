/// int32 sums of a convolution; the meaning is QConv2dSum in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Geometry as in conv2d_s8.h, with one group. One work item is one output pixel. Whoever plans the
/// call knows that no sum of parts leaves int32.
typedef struct {
  const int8_t *x;     // [batch][in_h][in_w][in_c], or [batch][in_c][in_h][in_w]
  const int8_t *w;     // [out_c][kernel_h][kernel_w][in_c]
  const int32_t *bias; // [out_c]; not read where `adds`
  int32_t *y;          // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t is_channels_first; // 1: x is [batch][in_c][in_h][in_w]
  int32_t x_zero;            // what padding reads
  int32_t w_zero;            // zero point of the weights
  int32_t adds;              // 1: y holds the sum of earlier parts
} conv2d_sum_s8_args;

/// Scratch: [kernel_h * kernel_w * in_c] int16, a widened patch.
void conv2d_sum_s8(const void *args, tw_work work);
