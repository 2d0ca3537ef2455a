/// What makes scaled rows, with XpulpV2; the meaning is ScaleRows, NormRows and GatedRows in
/// src/tilewright/ops/llm/row_ops.py.
///
/// Calls have eight work items, and every core of the cluster has some of them at the same time: an
/// eighth of each row, or of the rows where there are eight and more. Each core needs
/// 4 * (length / 8 + 1) * its items bytes of scratch, or 4 * length where that is more than a part.
#pragma once

#include "tilewright.h"

typedef struct {
  const int16_t *x; // [rows][length]
  int8_t *y;        // [rows][length + 4]: elements and a factor
  int32_t rows, length;
} scale_rows_xpulp_args;

void scale_rows_xpulp(const void *args, tw_work work);

typedef struct {
  const int16_t *x;    // [rows][length]
  const int16_t *gain; // [length]
  int8_t *y;           // [rows][length + 4]: elements and a factor
  int32_t rows, length;
  int32_t epsilon_high, epsilon; // epsilon_high * 2**31 + epsilon, at least 1
} norm_rows_xpulp_args;

void norm_rows_xpulp(const void *args, tw_work work);

typedef struct {
  const int16_t *x;     // [rows][2 * length]: gates, then what they let through
  const int16_t *curve; // [257]
  int8_t *y;            // [rows][length + 4]: elements and a factor
  int32_t rows, length;
} gated_rows_xpulp_args;

void gated_rows_xpulp(const void *args, tw_work work);
