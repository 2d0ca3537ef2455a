/// Linear layers on scaled rows with XpulpV2; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include "tilewright.h"

/// One work item is four output elements of every row, fewer at the end.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const int8_t *w;           // [outputs][inputs]
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs], added; may be null
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} linear_rows_xpulp_args;

void linear_rows_xpulp(const void *args, tw_work work);
