/// int8 depthwise convolution with any window, one output per input channel; the meaning is
/// QDepthwiseConv2d in src/tilewright/ops/conv2d.py.
#pragma once

#include "tilewright.h"

/// Padding below and to the right is implied by out_h and out_w. One work item is one output pixel.
/// Weights and what belongs to them come in sets of sixteen output elements, as
/// depthwise_lanes_helium.py says.
typedef struct {
  const int8_t *x;      // [batch][in_h][in_w][channels]
  const int32_t *table; // pairs of elements of a window, then [sets][36 + 8 * pairs]
  const int32_t *bias, *multiplier, *shift; // in the table
  int8_t *y;                                // [batch][out_h][out_w][channels]
  int32_t in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t sets;
  int32_t period;    // elements of a row after which sets repeat; 0: sets are those of one pixel
  int32_t columns;   // of a row that the windows read: in_w, or less
  int32_t row;       // bytes from row to row in scratch
  int32_t turns;     // 1: input rows stay in scratch; 0: every output row copies its own
  int32_t x_zero;    // what padding reads
  int32_t y_zero;    // zero point of the output
  int32_t low, high; // clip range of the output, within int8
} depthwise_lanes_helium_args;

/// Scratch: [kernel_h][row] and what is read in vain behind them, then where each element of a
/// window lies.
void depthwise_lanes_helium_double(const void *args, tw_work work);
void depthwise_lanes_helium_half_even(const void *args, tw_work work);
