/// y = clip(a * b, low, high) with broadcasting, see broadcast.h.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *a;
  const float *b;
  float *y; // [n0][n1][n2][n3]; may be an operand that is not repeated
  int32_t n1, n2, n3;
  int32_t a0, a1, a2, a3; // strides of a, in elements; a3 is 0 or 1
  int32_t b0, b1, b2, b3; // strides of b
  float low, high;        // -INFINITY, INFINITY where nothing is clipped
} mul_f32_args;

/// Work items are output elements.
void mul_f32(const void *args, tw_work work);
