/// int8 convolution; the meaning is QConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is four neighbouring
/// pixels of an output row (of all rows where patches are gathered), item_channels channels of
/// them; items go over channels first, of 1x1 windows over pixels first.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c]
  const int8_t *w;           // [out_c / 4][words in all][4][4]: four channels' words in turn
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c]
  const int32_t *shift;      // [out_c], as xp_requantise.h wants it
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t pixels; // of all images
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t x_zero;    // what padding reads
  int32_t y_zero;    // zero point of the output
  int32_t low, high; // clip range of the output, within int8
  int32_t words;     // of four elements in a run of the window that lies at one place
  int32_t rows;      // runs: kernel_h where windows are read in place, 0 where patches are gathered
  int32_t item_channels; // a multiple of 4, or out_c
  int32_t patch_blocks;  // of four pixels that are gathered at a time
} conv2d_xpulp_args;

/// Scratch: gathered patches [4 * patch_blocks][4 * words] and 12 bytes, or a strip of columns,
/// [rows][3 * stride_w + kernel_w][in_c] and as many. out_c is a multiple of 4.
void conv2d_xpulp_double(const void *args, tw_work work);
void conv2d_xpulp_half_even(const void *args, tw_work work);
void conv2d_xpulp_half_up(const void *args, tw_work work);

/// For any out_c: weights, bias and tables are filled up to a multiple of 4.
void conv2d_any_xpulp_double(const void *args, tw_work work);
void conv2d_any_xpulp_half_even(const void *args, tw_work work);
void conv2d_any_xpulp_half_up(const void *args, tw_work work);
