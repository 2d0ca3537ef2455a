/// Attention over cached keys and values with XpulpV2; the meaning is CachedAttention in
/// src/tilewright/ops/llm/attention.py.
#pragma once

#include "tilewright.h"

/// One work item is one head of one query: item = row * heads + head. Each needs
/// 5 * known + 4 * head_dim bytes of scratch.
typedef struct {
  const int8_t *q;       // [rows][heads * (head_dim + 2)]: vectors, then factors
  const int8_t *k;       // [known][kv_heads * (head_dim + 2)]
  const int8_t *v;       // [known][kv_heads * (head_dim + 2)]
  const int16_t *powers; // [256]: 2**(15 - f / 256)
  int16_t *y;            // [rows][heads * head_dim]
  int32_t rows, known;   // query i sees keys 0 .. known - rows + i
  int32_t heads, kv_heads, head_dim;
  int32_t multiplier, shift; // below 2**15; 1 to 62
  int32_t value_shift;       // 15 to 37
} cached_attention_xpulp_args;

void cached_attention_xpulp(const void *args, tw_work work);
