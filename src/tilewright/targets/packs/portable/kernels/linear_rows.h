/// Linear layers on scaled rows; the meaning is LinearRows in src/tilewright/ops/llm/linear.py.
#pragma once

#include "tilewright.h"

/// One work item is one output element of every row.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const int8_t *w;           // [outputs][inputs]
  const int16_t *multiplier; // [outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} linear_rows_args;

void linear_rows(const void *args, tw_work work);

/// The same, added to residual.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const int8_t *w;           // [outputs][inputs]
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs]
  int16_t *y;                // [rows][outputs]; may be residual itself
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} linear_rows_add_args;

void linear_rows_add(const void *args, tw_work work);
