/// int8 layers computed by the user's own copy of Arm's CMSIS-NN; the meanings are QConv2d and
/// QDepthwiseConv2d in src/tilewright/ops. One work item is the whole layer.
#pragma once

#include "tilewright.h"

/// Convolution, and depthwise convolution with out_c = in_c * multiplier.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c]
  const int8_t *w;           // [out_c][kernel_h][kernel_w][in_c]; depthwise without the last
  const int32_t *bias;       // [out_c], without the input's zero point
  const int32_t *multiplier; // [out_c], Q31
  const int32_t *shift;      // [out_c], positive: left
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t batch;
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t x_zero;        // what padding reads
  int32_t y_zero;        // zero point of the output
  int32_t low, high;     // clip range of the output, within int8
  int32_t scratch_bytes; // of work.scratch
} cmsis_window_args;

void cmsis_conv2d_s8(const void *args, tw_work work);
void cmsis_depthwise_s8(const void *args, tw_work work);
