/// What makes scaled rows; the meaning is ScaleRows, NormRows and GatedRows in
/// src/tilewright/ops/llm/row_ops.py.
#pragma once

#include "tilewright.h"

/// One work item is one row. Each needs 4 * length bytes of scratch.
typedef struct {
  const int16_t *x; // [rows][length]
  int8_t *y;        // [rows][length + 4]: elements and a factor
  int32_t length;
} scale_rows_args;

void scale_rows(const void *args, tw_work work);

/// One work item is one row. Each needs 4 * length bytes of scratch.
typedef struct {
  const int16_t *x;    // [rows][length]
  const int16_t *gain; // [length]
  int8_t *y;           // [rows][length + 4]: elements and a factor
  int32_t length;
  int32_t epsilon_high, epsilon; // epsilon_high * 2**31 + epsilon, at least 1
} norm_rows_args;

void norm_rows(const void *args, tw_work work);

/// One work item is one row. Each needs 4 * length bytes of scratch.
typedef struct {
  const int16_t *x;     // [rows][2 * length]: gates, then what they let through
  const int16_t *curve; // [257]
  int8_t *y;            // [rows][length + 4]: elements and a factor
  int32_t length;
} gated_rows_args;

void gated_rows(const void *args, tw_work work);
