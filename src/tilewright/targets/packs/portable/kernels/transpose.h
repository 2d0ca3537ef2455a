/// Dimensions in another order: y[i0]..[i5] = x[i0*s0 + .. + i5*s5].
#pragma once

#include "tilewright.h"

typedef struct {
  const void *x;
  void *y;                        // [n0][n1][n2][n3][n4][n5]
  int32_t n0, n1, n2, n3, n4, n5; // > 0; 1 where there are fewer dimensions
  int32_t s0, s1, s2, s3, s4, s5; // elements of x from one index to the next
} transpose_args;

/// Work items are rows of y: its last dimension n5. Elements of 8, 16 and 32 bits.
void transpose_8(const void *args, tw_work work);
void transpose_16(const void *args, tw_work work);
void transpose_32(const void *args, tw_work work);
