/// Rows of an embedding, with XpulpV2; the meaning is EmbedTokens in
/// src/tilewright/ops/llm/embedding.py.
#pragma once

#include "tilewright.h"

/// One work item is an eighth of one row: item = row * 8 + eighth. The table may lie outside L1.
typedef struct {
  const int32_t *token;      // [n]
  const int8_t *table;       // [rows][length]
  const int16_t *multiplier; // [rows]
  int16_t *y;                // [n][length]
  int32_t rows, length;
  int32_t shift; // 1 to 62
} embed_tokens_xpulp_args;

void embed_tokens_xpulp(const void *args, tw_work work);
