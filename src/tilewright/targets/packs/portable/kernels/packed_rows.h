/// Linear layers on scaled rows with weights of 4 and 6 bits; the meaning is PackedLinearRows in
/// src/tilewright/ops/llm/linear.py, and how weights lie is packed.py beside it.
#pragma once

#include "tilewright.h"

/// One work item is one output element of every row.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const uint8_t *w;          // [outputs][row_bytes]
  const int16_t *multiplier; // [outputs]
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t row_bytes; // of w
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} packed_rows_args;

void linear_rows_w4(const void *args, tw_work work);
void linear_rows_w6(const void *args, tw_work work);

/// The same, added to residual.
typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const uint8_t *w;          // [outputs][row_bytes]
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs]
  int16_t *y;                // [rows][outputs]; may be residual itself
  int32_t rows, inputs, outputs;
  int32_t row_bytes; // of w
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
} packed_rows_add_args;

void linear_rows_w4_add(const void *args, tw_work work);
void linear_rows_w6_add(const void *args, tw_work work);
