/// int8 dense layer; the meaning is QDense in src/tilewright/ops/dense.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of x.
typedef struct {
  const int8_t *x;           // [rows][in_c]
  const int32_t *w;          // [ceil(out_c / 4)][ceil(in_c / 4)][4], see matrix.py
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c] or [1]
  const int32_t *number;     // [out_c] or [1], see dsp_row.h
  int8_t *y;                 // [rows][out_c]
  int32_t in_c, out_c;
  int32_t piece;      // elements that are widened at a time; below in_c: a multiple of 4
  int32_t w_zero;     // zero point of the weights
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 1: one multiplier and shift per channel, 0: one for all
} dense_s8_dsp_args;

/// Scratch: a widened row in words, or `piece` elements of one and all accumulators.
void dense_s8_dsp_double(const void *args, tw_work work);
void dense_s8_dsp_half_even(const void *args, tw_work work);
void dense_s8_dsp_half_up(const void *args, tw_work work);
/// Where low is the zero point or more.
void dense_s8_dsp_double_relu(const void *args, tw_work work);
