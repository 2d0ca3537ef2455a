/// int8 convolution; the meaning is QConv2d in src/tilewright/ops/conv2d.py with one group and no
/// dilation.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
typedef struct {
  const int8_t *x;                          // [batch][planes][in_h][in_w][in_c]
  const int32_t *w;                         // [ceil(out_c / 2)][2 * quads + 5], see pairs.py
  const int32_t *bias, *multiplier, *shift; // in w
  int8_t *y;                                // [batch][out_h][out_w][out_c]
  int32_t planes, in_h, in_w, in_c;         // planes or in_c is 1
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t is_pointwise; // 1: output pixel i is made of input pixel i
  int32_t row_words;    // of one row of a window
  int32_t is_split; // 1: three rows of 4 * row_words + 1 bytes, whose last bytes are one word more
  int32_t quads;    // words of a whole window, and of its sum
  int32_t sum_elements, sum_times; // where weights have a zero point, see dsp_tally
  int32_t x_zero;                  // what padding reads
  int32_t y_zero;                  // zero point of the output
  int32_t low, high;               // clip range of the output, within int8
} conv2d_s8_dsp_args;

/// Scratch: widened patches in words, then one patch of bytes.
void conv2d_s8_dsp_double(const void *args, tw_work work);
void conv2d_s8_dsp_half_even(const void *args, tw_work work);
void conv2d_s8_dsp_half_up(const void *args, tw_work work);
/// Where low is the zero point or more.
void conv2d_s8_dsp_double_relu(const void *args, tw_work work);

/// Where x is channels first: each channel is a plane.
void conv2d_s8_dsp_planes_double(const void *args, tw_work work);
void conv2d_s8_dsp_planes_half_even(const void *args, tw_work work);
void conv2d_s8_dsp_planes_half_up(const void *args, tw_work work);
void conv2d_s8_dsp_planes_double_relu(const void *args, tw_work work);

/// Depthwise layers of one, two or three channels, see conv2d_few_s8.py.
void conv2d_s8_dsp_of_1_double(const void *args, tw_work work);
void conv2d_s8_dsp_of_1_double_relu(const void *args, tw_work work);
void conv2d_s8_dsp_of_1_half_even(const void *args, tw_work work);
void conv2d_s8_dsp_of_1_half_up(const void *args, tw_work work);
void conv2d_s8_dsp_of_2_double(const void *args, tw_work work);
void conv2d_s8_dsp_of_2_double_relu(const void *args, tw_work work);
void conv2d_s8_dsp_of_2_half_even(const void *args, tw_work work);
void conv2d_s8_dsp_of_2_half_up(const void *args, tw_work work);
void conv2d_s8_dsp_of_3_double(const void *args, tw_work work);
void conv2d_s8_dsp_of_3_double_relu(const void *args, tw_work work);
void conv2d_s8_dsp_of_3_half_even(const void *args, tw_work work);
void conv2d_s8_dsp_of_3_half_up(const void *args, tw_work work);
