/// Attention of the integer dialect for XpulpV2; the meaning is RatioAttention in
/// src/tilewright/ops/attention_pulp.py.
#pragma once

#include "tilewright.h"

/// One work item is one query of one head. `table` is prepared: what of a call depends on its
/// operator and constants alone is an attention_way of ratio_attention_scores.h, behind 256 words
/// by x - largest + 255 that hold numerators below 2**16 in their lower halves and, shifted left so
/// that the largest fills sixteen bits, in the upper ones.
typedef struct {
  const int8_t *q; // [heads][rows][depth]
  const int8_t *k; // [heads][keys][depth]
  const int8_t *v; // [heads][keys][columns]
  const int32_t *before;
  const int32_t *table;
  const int32_t *after;
  const int8_t *mask; // [rows][keys], or [keys]
  int8_t *y;          // [heads][rows][columns]
  int32_t rows, keys, depth, columns;
  int32_t mask_step; // bytes from a query's mask to the next one's
} ratio_attention_xpulp_args;

/// Scratch, with keys rounded up to fours: 336 bytes, values by columns, [columns][keys], scores,
/// [rows up to sixteen][keys], numerators, int32[keys], and a number per column.
void ratio_attention_xpulp(const void *args, tw_work work);
