/// int8 dense layer; the meaning is QDense in src/tilewright/ops/dense.py.
#pragma once

#include "tilewright.h"

/// One work item is item_channels channels of four rows, or of one row where there are fewer than
/// four; items go over channels first.
typedef struct {
  const int8_t *x;           // [rows][in_c]
  const int8_t *w;           // [out_c / 4][words][4][4]: four channels' words in turn
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c]
  const int32_t *shift;      // [out_c], as xp_requantise.h wants it
  int8_t *y;                 // [rows][out_c]
  int32_t rows, in_c, out_c;
  int32_t words;         // of four elements in a row of weights
  int32_t y_zero;        // zero point of the output
  int32_t low, high;     // clip range of the output, within int8
  int32_t item_channels; // a multiple of 4, or out_c
} dense_xpulp_args;

/// Scratch: [4][4 * words] and 12 bytes, rows that are no whole words. out_c is a multiple of 4.
void dense_xpulp_double(const void *args, tw_work work);
void dense_xpulp_half_even(const void *args, tw_work work);
void dense_xpulp_half_up(const void *args, tw_work work);

/// For any out_c: weights, bias and tables are filled up to a multiple of 4.
void dense_any_xpulp_double(const void *args, tw_work work);
void dense_any_xpulp_half_even(const void *args, tw_work work);
void dense_any_xpulp_half_up(const void *args, tw_work work);
