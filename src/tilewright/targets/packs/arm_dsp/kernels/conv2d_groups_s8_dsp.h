/// int8 convolution in groups, with or without holes in its windows; the meaning is QConv2d, or
/// QDepthwiseConv2d with several output channels per input channel, in
/// src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
typedef struct {
  const int8_t *x;  // [batch][in_h][in_w][in_c]
  const int32_t *w; // [groups * parts][ceil(out_c / groups / parts / 2)][..]
  const int32_t *bias, *multiplier, *shift; // in w: words of 2 * quads + 5 see pairs.py
  int8_t *y;                                // [batch][out_h][out_w][out_c]
  int32_t batch, in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t groups, parts; // of the channels; of each group's output channels, see w
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t quads;                   // words of one group's window, and of its sum
  int32_t sum_elements, sum_times; // where weights have a zero point, see dsp_tally
  int32_t x_zero;                  // what padding reads
  int32_t y_zero;                  // zero point of the output
  int32_t low, high;               // clip range of the output, within int8
} conv2d_groups_s8_dsp_args;

/// Scratch: widened windows of one group in words; where the words or bytes of a window lie, in
/// int32; a window as bytes; of several groups, the next pixels of the output.
void conv2d_groups_s8_dsp_double(const void *args, tw_work work);
void conv2d_groups_s8_dsp_half_even(const void *args, tw_work work);
void conv2d_groups_s8_dsp_half_up(const void *args, tw_work work);
/// Where low is the zero point or more.
void conv2d_groups_s8_dsp_double_relu(const void *args, tw_work work);

/// The same of QDepthwiseConv2d: where neighbouring output channels, by twos, are of the same input
/// channel, and where they are not.
void conv2d_groups_s8_dsp_depthwise_double(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_half_even(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_half_up(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_double_relu(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_odd_double(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_odd_half_even(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_odd_half_up(const void *args, tw_work work);
void conv2d_groups_s8_dsp_depthwise_odd_double_relu(const void *args, tw_work work);
