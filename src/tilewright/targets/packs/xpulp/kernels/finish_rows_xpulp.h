/// The end of linear layers whose sums another engine makes, with XpulpV2; the meaning is
/// FinishRows in src/tilewright/ops/llm/linear.py.
#pragma once

#include "tilewright.h"

/// One work item is two output elements of every row, one at the end.
typedef struct {
  const int32_t *sums;       // [rows][outputs]
  const int8_t *x;           // [rows][inputs + 4]: a factor behind the elements
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs], added; may be null
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} finish_rows_xpulp_args;

void finish_rows_xpulp(const void *args, tw_work work);
