/// Heads in int8 with a factor each, with XpulpV2; the meaning is HeadRows and TurnedHeadRows in
/// src/tilewright/ops/llm/heads.py.
#pragma once

#include "tilewright.h"

/// One work item is one head of one row: item = row * heads + head. Each needs
/// 4 * head_dim bytes of scratch.
typedef struct {
  const int16_t *x; // [rows][width]; heads begin at `column`
  int8_t *y;        // [rows][heads * (head_dim + 2)]: vectors, then factors
  int32_t width, column, heads, head_dim;
} head_rows_xpulp_args;

void head_rows_xpulp(const void *args, tw_work work);

/// The same after pairs of neighbours are turned by the angles of the row's position. The table may
/// lie outside L1: a pair is one load.
typedef struct {
  const int16_t *x;     // [rows][width]; heads begin at `column`
  const int16_t *turns; // [positions][head_dim]: cosine and sine per pair
  int8_t *y;            // [rows][heads * (head_dim + 2)]: vectors, then factors
  int32_t width, column, heads, head_dim;
  int32_t first; // position of row 0
} turned_head_rows_xpulp_args;

void turned_head_rows_xpulp(const void *args, tw_work work);

/// The same without `centre`, which all keys have in common; differences saturate at 32767.
typedef struct {
  const int16_t *x;      // [rows][width]; heads begin at `column`
  const int16_t *turns;  // [positions][head_dim]: cosine and sine per pair
  const int16_t *centre; // [heads][head_dim]
  int8_t *y;             // [rows][heads * (head_dim + 2)]: vectors, then factors
  int32_t width, column, heads, head_dim;
  int32_t first; // position of row 0
} centred_head_rows_xpulp_args;

void centred_head_rows_xpulp(const void *args, tw_work work);
