/// int8 dense layer of few vectors: cores share output channels, not vectors. The meaning is QDense
/// in src/tilewright/ops/dense.py.
#pragma once

#include "tilewright.h"

/// One work item is one output channel, of all rows.
typedef struct {
  const int8_t *x;           // [rows][in_c]
  const int8_t *w;           // [out_c][in_c]
  const int32_t *bias;       // [out_c], x_zero folded in
  const int32_t *multiplier; // [out_c] or [1]
  const int32_t *shift;      // [out_c] or [1]
  int8_t *y;                 // [rows][out_c]
  int32_t rows;
  int32_t in_c, out_c;
  int32_t w_zero;     // zero point of the weights
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 1: one multiplier and shift per channel, 0: one for all
} dense_few_rv32_args;

/// Scratch: [in_c] int16, a widened row.
void dense_few_rv32_double(const void *args, tw_work work);
void dense_few_rv32_half_even(const void *args, tw_work work);
void dense_few_rv32_half_up(const void *args, tw_work work);
