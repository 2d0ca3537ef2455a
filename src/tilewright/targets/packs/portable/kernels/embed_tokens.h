/// Rows of a table by token; the meaning is EmbedTokens in src/tilewright/ops/llm/embedding.py.
#pragma once

#include "tilewright.h"

/// One work item is one token. A token below 0 counts from the end; one beyond the table means the
/// nearest row. y = x * multiplier of the row / 2**shift.
typedef struct {
  const int32_t *token;      // [tokens]
  const int8_t *table;       // [rows][length]
  const int16_t *multiplier; // [rows]
  int16_t *y;                // [tokens][length]
  int32_t rows, length;
  int32_t shift; // 0 to 62
} embed_tokens_args;

void embed_tokens(const void *args, tw_work work);
