/// int8 product of two tensors that are both computed at run time, with Helium; the meaning is
/// QMatMul in src/tilewright/ops/matmul.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of the output. Matrices are counted along the leading dimensions,
/// which broadcast as in broadcast.h: an operand's matrix for (i0, i1, i2, i3) is number
/// i0*a0 + i1*a1 + i2*a2 + i3*a3.
typedef struct {
  const int8_t *a;        // matrices of [rows][depth]
  const int8_t *b;        // matrices of [depth][columns], or of [columns][depth]
  int8_t *y;              // [n0][n1][n2][n3][rows][columns]
  int32_t n1, n2, n3;     // extents of the leading dimensions
  int32_t a0, a1, a2, a3; // matrices from one index to the next; 0 where repeated
  int32_t b0, b1, b2, b3;
  int32_t rows, depth, columns;
  int32_t transposes_b;           // 1: b is stored as [columns][depth]
  int32_t a_zero, b_zero, y_zero; // zero points
  int32_t multiplier, shift;      // of the sum, see helium_scalar.h
  int32_t low, high;              // clip range of the output, within int8
} matmul_helium_args;

/// Scratch: [2][columns rounded up to 4] int32 sums, then [columns][depth] int8 unless b is stored
/// like that.
void matmul_helium_double(const void *args, tw_work work);
void matmul_helium_half_even(const void *args, tw_work work);
