/// A table of 256 inside the operator that reads what it makes; the meaning is MappedMul and
/// MappedConcat in src/tilewright/ops/mapped_pulp.py.
#pragma once

#include "tilewright.h"

/// Work items are elements.
typedef struct {
  const int8_t *a;
  const int8_t *table; // [256], for a + 128
  const int8_t *b;
  int8_t *y;
  int32_t a_zero, b_zero, y_zero; // a_zero: of what the table makes
  int32_t low, high;              // clip range of the output, within int8
  int32_t multiplier, shift;      // of the product, rounded half up, all modulo 2**32
} mapped_mul_s8_args;

/// Work items are rows.
typedef struct {
  const int8_t *x;     // [rows][bytes0]
  const int8_t *added; // [rows][bytes1]
  const int8_t *table; // [256], for added + 128
  int8_t *y;           // [rows][bytes0 + bytes1]
  int32_t bytes0, bytes1;
} mapped_concat_s8_args;

void mapped_mul_s8(const void *args, tw_work work);
void mapped_concat_s8(const void *args, tw_work work);
