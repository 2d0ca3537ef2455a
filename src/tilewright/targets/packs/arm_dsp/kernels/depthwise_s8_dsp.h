/// int8 depthwise convolution; the meaning is QDepthwiseConv2d in src/tilewright/ops/conv2d.py with
/// at least four input channels, and one output channel of each or a few.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
/// Every four channels have a block of words: four biases with x_zero folded in, the weights of
/// each element of the window in one word or two, their zero point taken off, and for either two
/// channels three words, see dsp_finish.h. The last block is that of the last four channels, some
/// of the block before among them.
typedef struct {
  const int8_t *x;  // [batch][in_h][in_w][channels]
  const int32_t *w; // [ceil(channels / 4)][kernel_h * kernel_w * (1 or 2) + 10]
  const int32_t *bias, *multiplier, *shift; // in w
  int8_t *y;                                // [batch][out_h][out_w][channels * times]
  int32_t in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t x_zero;       // what padding reads
  int32_t y_zero;       // zero point of the output
  int32_t low, high;    // clip range of the output, within int8
  int32_t is_wide;      // 1: weights are two words, of channels 0, 2 and 1, 3 as int16
  int32_t times;        // output channels per input channel
  int32_t window_bytes; // of scratch, before the outputs of four pixels
} depthwise_s8_dsp_args;

/// Scratch: [kernel_h][kernel_w][channels] int8, a window that needs padding. This one is that of
/// depthwise_s8_dsp_double where low is the zero point or more.
void depthwise_s8_dsp_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_double(const void *args, tw_work work);
void depthwise_s8_dsp_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_half_up(const void *args, tw_work work);
/// Those above take windows of 3x3 without dilation, these any.
void depthwise_s8_dsp_any_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_any_double(const void *args, tw_work work);
void depthwise_s8_dsp_any_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_any_half_up(const void *args, tw_work work);
/// With so many output channels per input channel: blocks are those of the first output channel of
/// four input channels, then of their second ones, and so on, weights always wide. More scratch:
/// [ceil(channels / 4)][4 pixels][times][4] int8, kept outputs.
void depthwise_s8_dsp_times_2_double(const void *args, tw_work work);
void depthwise_s8_dsp_times_2_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_times_2_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_times_2_half_up(const void *args, tw_work work);
void depthwise_s8_dsp_times_3_double(const void *args, tw_work work);
void depthwise_s8_dsp_times_3_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_times_3_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_times_3_half_up(const void *args, tw_work work);
void depthwise_s8_dsp_times_4_double(const void *args, tw_work work);
void depthwise_s8_dsp_times_4_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_times_4_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_times_4_half_up(const void *args, tw_work work);
void depthwise_s8_dsp_times_8_double(const void *args, tw_work work);
void depthwise_s8_dsp_times_8_double_relu(const void *args, tw_work work);
void depthwise_s8_dsp_times_8_half_even(const void *args, tw_work work);
void depthwise_s8_dsp_times_8_half_up(const void *args, tw_work work);
