/// Softmax of int8 rows as the integer dialect has it; the meaning is RatioSoftmax and ShiftSoftmax
/// in src/tilewright/ops/softmax_pulp.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;      // [rows][length]
  const int32_t *table; // [256] by largest - x; >= 0
  int8_t *y;            // [rows][length]; may be x itself
  int32_t length, levels;
} ratio_softmax_s8_args;

typedef struct {
  const int8_t *x; // [rows][length]
  int8_t *y;       // [rows][length]; may be x itself
  int32_t length, levels;
  int32_t group; // 0: one sum for a row
} shift_softmax_s8_args;

/// Work items are rows.
void ratio_softmax_s8(const void *args, tw_work work);
void shift_softmax_s8(const void *args, tw_work work);
