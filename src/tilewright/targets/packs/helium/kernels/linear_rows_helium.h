/// Linear layers on scaled rows with Helium; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include "tilewright.h"

/// One work item is four output elements of every row, fewer at the end.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const int8_t *w;           // [outputs][inputs]
  const int16_t *multiplier; // [outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} linear_rows_helium_args;

void linear_rows_helium(const void *args, tw_work work);

/// The same, added to residual.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const int8_t *w;           // [outputs][inputs]
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} linear_rows_add_helium_args;

void linear_rows_add_helium(const void *args, tw_work work);
