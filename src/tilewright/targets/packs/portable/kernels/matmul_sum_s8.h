/// int32 sums of a product; the meaning is QMatMulSum in src/tilewright/ops/matmul.py.
#pragma once

#include "tilewright.h"

/// Matrices, leading dimensions and work items as in matmul_s8.h. Whoever plans the call knows that
/// no sum of parts leaves int32.
typedef struct {
  const int8_t *a;        // matrices of [rows][depth]
  const int8_t *b;        // matrices of [depth][columns], or of [columns][depth]
  int32_t *y;             // [n0][n1][n2][n3][rows][columns]
  int32_t n1, n2, n3;     // extents of the leading dimensions
  int32_t a0, a1, a2, a3; // matrices from one index to the next; 0 where repeated
  int32_t b0, b1, b2, b3;
  int32_t rows, depth, columns;
  int32_t transposes_b;   // 1: b is stored as [columns][depth]
  int32_t a_zero, b_zero; // zero points
  int32_t adds;           // 1: y holds the sum of earlier parts
} matmul_sum_s8_args;

/// Scratch: [depth] int16, a centred row of a.
void matmul_sum_s8(const void *args, tw_work work);
