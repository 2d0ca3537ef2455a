/// Attention of the integer dialect, a row of scores at a time; the meaning is RatioAttention in
/// src/tilewright/ops/attention_pulp.py.
#pragma once

#include "tilewright.h"

/// One work item is one query of one head.
typedef struct {
  const int8_t *q;      // [heads][rows][depth]
  const int8_t *k;      // [heads][keys][depth]
  const int8_t *v;      // [heads][keys][columns]
  const int8_t *before; // [256], for scores + 128
  const int32_t *table; // [256] by the distance from the largest score; >= 0
  const int8_t *after;  // [256], for weights from 0 on
  const int8_t *mask;   // [rows][keys], or [keys]
  int8_t *y;            // [heads][rows][columns]
  int32_t rows, keys, depth, columns, levels;
  int32_t is_masked;
  int32_t mask_step; // bytes from a query's mask to the next one's
  int32_t q_zero, k_zero, weight_zero, v_zero;
  int32_t score_factor, mask_factor; // of the sum with the mask, whose zero points are in start
  int32_t mask_start, mask_shift, mask_zero, mask_low, mask_high;
  int32_t multiplier, shift, zero, low, high; // of scores
  int32_t y_multiplier, y_shift, y_zero, y_low, y_high;
} ratio_attention_s8_args;

/// Scratch: [keys] bytes, the scores of one query.
void ratio_attention_s8(const void *args, tw_work work);
