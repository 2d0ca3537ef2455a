/// The two halves of linear layers on scaled rows; the meaning is SumRows and FinishRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include "tilewright.h"

/// One work item is one output element of every row.
typedef struct {
  const int8_t *x; // [rows][inputs + 4]: elements and a factor
  const int8_t *w; // [outputs][inputs]
  int32_t *y;      // [rows][outputs]
  int32_t rows, inputs, outputs;
} sum_rows_args;

void sum_rows(const void *args, tw_work work);

/// One work item is one output element of every row.
typedef struct {
  const int32_t *sums;       // [rows][outputs]
  const int8_t *x;           // [rows][inputs + 4]: a factor behind the elements
  const int16_t *multiplier; // [outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} finish_rows_args;

void finish_rows(const void *args, tw_work work);

/// The same, added to residual.
typedef struct {
  const int32_t *sums;       // [rows][outputs]
  const int8_t *x;           // [rows][inputs + 4]: a factor behind the elements
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} finish_rows_add_args;

void finish_rows_add(const void *args, tw_work work);
