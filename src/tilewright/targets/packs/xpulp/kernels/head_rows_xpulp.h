/// Heads in int8 with a factor each, with XpulpV2; the meaning is HeadRows, TurnedHeadRows and
/// CentredHeadRows in src/tilewright/ops/llm/heads.py.
///
/// One kernel for all three, which follow one another in every layer: its code is fetched once.
#pragma once

#include "tilewright.h"

/// One work item is one head of one row: item = row * heads + head. Each needs
/// 4 * head_dim bytes of scratch. With `turns`, pairs of neighbours are turned by the angles of the
/// row's position: the table may lie outside L1, as a pair is one load. `centre` is what all keys
/// have in common and is subtracted; differences saturate at 32767.
typedef struct {
  const int16_t *x;      // [rows][width]; heads begin at `column`
  const int16_t *turns;  // [positions][head_dim]: cosine and sine per pair; may be null
  const int16_t *centre; // [heads][head_dim]; may be null
  int8_t *y;             // [rows][heads * (head_dim + 2)]: vectors, then factors
  int32_t width, column, heads, head_dim;
  int32_t first; // position of row 0
} head_rows_xpulp_args;

void head_rows_xpulp(const void *args, tw_work work);
