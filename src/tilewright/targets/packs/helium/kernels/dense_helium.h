/// int8 dense layer with Helium; the meaning is QDense in src/tilewright/ops/dense.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of x. out_c4 is out_c rounded up to a multiple of four.
typedef struct {
  const int8_t *x;           // [rows][in_c]
  const int8_t *w;           // [out_c4 / 4][in_c / 16, rounded up][4][16], zeros after in_c
  const int32_t *bias;       // [out_c4], x_zero folded in
  const int32_t *multiplier; // [out_c4] or [4]
  const int8_t *shift;       // [out_c4] or [4], see helium_rescale.h
  int8_t *y;                 // [rows][out_c]; may not be x
  int32_t in_c, out_c;
  int32_t w_zero;     // zero point of the weights
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 4: one multiplier and shift per channel, 0: one for all
} dense_helium_args;

void dense_helium_double(const void *args, tw_work work);
void dense_helium_half_even(const void *args, tw_work work);
