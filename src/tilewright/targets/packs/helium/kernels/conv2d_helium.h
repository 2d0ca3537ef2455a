/// int8 convolution with Helium; the meaning is QConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
/// out_c4 is out_c rounded up to a multiple of four.
typedef struct {
  const int8_t *x;           // [batch][in_h][in_w][in_c]
  const int8_t *w;           // rows [kernel_w][kernel_h][in_c]; their order is below
  const int32_t *bias;       // [out_c4], x_zero folded in
  const int32_t *multiplier; // [out_c4]
  const int8_t *shift;       // [out_c4], see helium_rescale.h
  int8_t *y;                 // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w; // as wide as it reaches: w has w_zero between dilated columns
  int32_t stride_h, stride_w;
  int32_t dilation_h;
  int32_t pad_top, pad_left;
  int32_t x_zero;    // what padding reads
  int32_t w_zero;    // zero point of the weights; 0 unless centred
  int32_t y_zero;    // zero point of the output
  int32_t low, high; // clip range of the output, within int8
  int32_t strip;     // output pixels whose input columns are gathered together; 0: none are, x is
                     // read in place (1x1 kernel without padding)
} conv2d_helium_args;

/// For windows of any size. w: three rows alternate, see dot_helium.h. Scratch: [out_c4][2] int32
/// accumulators, then the columns of a strip as int8.
void conv2d_helium_double(const void *args, tw_work work);
void conv2d_helium_half_even(const void *args, tw_work work);

/// The same for weights that have a zero point.
void conv2d_centred_helium_double(const void *args, tw_work work);
void conv2d_centred_helium_half_even(const void *args, tw_work work);

/// For windows of at most 32 elements. w: [out_c4][16 or 32], zeros after the window. Scratch:
/// the columns only.
void conv2d_short_helium_double(const void *args, tw_work work);
void conv2d_short_helium_half_even(const void *args, tw_work work);

/// Channels in groups, see conv2d_groups_helium.py.
void conv2d_groups_helium_double(const void *args, tw_work work);
void conv2d_groups_helium_half_even(const void *args, tw_work work);
