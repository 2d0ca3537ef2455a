/// y = a @ b in float32; the meaning is MatMul in src/tilewright/ops/matmul.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of the output; matrices are counted as in matmul_s8.h.
typedef struct {
  const float *a;         // matrices of [rows][depth]
  const float *b;         // matrices of [depth][columns], or of [columns][depth]
  float *y;               // [n0][n1][n2][n3][rows][columns]
  int32_t n1, n2, n3;     // extents of the leading dimensions
  int32_t a0, a1, a2, a3; // matrices from one index to the next; 0 where repeated
  int32_t b0, b1, b2, b3;
  int32_t rows, depth, columns;
  int32_t transposes_b; // 1: b is stored as [columns][depth]
} matmul_f32_args;

void matmul_f32(const void *args, tw_work work);
