/// int32 sums of a dense layer; the meaning is QDenseSum in src/tilewright/ops/dense.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of x. Whoever plans the call knows that no sum of parts leaves int32.
typedef struct {
  const int8_t *x;     // [rows][in_c]
  const int8_t *w;     // [out_c][in_c]
  const int32_t *bias; // [out_c]; not read where `adds`
  int32_t *y;          // [rows][out_c]
  int32_t in_c, out_c;
  int32_t w_zero; // zero point of the weights
  int32_t adds;   // 1: y holds the sum of earlier parts
} dense_sum_s8_args;

/// Scratch: [in_c] int16, a widened row.
void dense_sum_s8(const void *args, tw_work work);
