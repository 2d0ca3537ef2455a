/// What ratio_attention_xpulp.c knows of a call and of its rows, and how it computes scores.
#pragma once

#include "ratio_attention_asm.h"
#include "ratio_attention_xpulp.h"
#include "xp_quotient.h"

enum {
  ATTENTION_ROWS = 16, // queries that take a step together
  ATTENTION_STATE_BYTES = 336,
  ATTENTION_LOWEST = (int32_t)0x80808080,
  ATTENTION_UNBOUNDED = 1 << 22 // larger than every numerator
};

/// How a call computes its scores.
enum {
  ATTENTION_STEPWISE,  // under any arguments
  ATTENTION_PLAIN,     // four keys at once, then a table
  ATTENTION_AS_SHORT,  // four keys at once
  ATTENTION_AS_NARROW, // four keys at once, by factors of sixteen bits
};

/// What `table` has behind its entries.
typedef struct {
  int32_t bounds[16]; // the largest numerator from each sixteenth distance on
  attention_scale scale;
  int32_t kind;
  int32_t may_skip; // a weight of zero adds nothing
  int32_t peak;     // the largest numerator
  int32_t twice;    // numerators stand in a word twice, the upper one 2**twice times as large
  int32_t between;  // bits of the lower part of a factor: parts have at most 16 + twice
  int32_t highest;  // score before the mask
  int32_t none;     // a mask that adds nothing
  int32_t levels, is_masked;
  int32_t weight_zero;
  xp_scale y; // of the output
  int32_t y_zero;
  int32_t zero, low, high;           // of scores
  int32_t score_factor, mask_factor; // of the sum with the mask, whose zero points are in start
  int32_t mask_start, mask_shift, mask_zero, mask_low, mask_high;
  int8_t before[256]; // for scores + 128
  int8_t after[256];  // for weights from 0 on
} attention_way;

static inline const attention_way *attention_way_of(const ratio_attention_xpulp_args *p) {
  return (const void *)(p->table + 256);
}

/// Scratch of one core.
typedef struct {
  int8_t *values;  // [columns][keys]
  int8_t *scores;  // [rows][keys], later weights
  int32_t *parts;  // [keys] numerators
  int32_t *starts; // [columns] what sums begin with
  int32_t keys;    // in fours
} attention_room;

static inline attention_room attention_room_in(const ratio_attention_xpulp_args *p, void *scratch) {
  const int32_t keys = (p->keys + 3) & ~3;
  int8_t *const values = scratch;
  int8_t *const scores = values + p->columns * keys;
  const int32_t rows = p_min(p->rows, ATTENTION_ROWS);
  int32_t *const parts = (int32_t *)(void *)(scores + rows * keys);
  return (attention_room){values, scores, parts, parts + keys, keys};
}

/// The largest of four bytes.
static inline int32_t attention_most(int32_t four) {
  return p_max(p_max((int8_t)four, (int8_t)(four >> 8)), p_max((int8_t)(four >> 16), four >> 24));
}

/// Scores of 4 * n keys of any depth without a mask.
static inline int32_t attention_deep_scores(const ratio_attention_xpulp_args *p,
                                            const attention_scale *by, const int8_t *q,
                                            const int8_t *k, int32_t n, int8_t *y,
                                            int32_t largest) {
  const int32_t depth = p->depth;
  for (; n > 0; --n, k += 4 * depth, y += 4) {
    int32_t acc[4] = {0};
    xp_four_rows(q, k, depth, depth >> 2, acc);
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = p_clip(p_addrn(acc[i] * by->multiplier, 0, by->shift), by->high);
    }
    int32_t four = xp_pack(acc[0], acc[1], acc[2], acc[3]);
    four = pv_sra_b(pv_add_b(four, pv_sra_b(four, 7) & by->toward), by->fold);
    largest = pv_max_b(largest, four);
    xp_store(y, four);
  }
  return largest;
}

/// The same step by step, under any arguments.
static __attribute__((noinline)) int32_t attention_any_scores(const ratio_attention_xpulp_args *p,
                                                              const int8_t *q, const int8_t *k,
                                                              const int8_t *mask, int32_t n,
                                                              int8_t *y, int32_t largest) {
  const attention_way *const way = attention_way_of(p);
  const xp_scale scale = {way->scale.multiplier, way->scale.shift, way->low - way->zero,
                          way->high - way->zero};
  const xp_scale sum = {1, way->mask_shift, way->mask_low - way->mask_zero,
                        way->mask_high - way->mask_zero};
  const int8_t *const before = way->before + 128;
  const int32_t depth = p->depth;
  for (int32_t key = 0; key < 4 * n; key += 4, k += 4 * depth, y += 4) {
    int32_t acc[4] = {0};
    xp_four_rows(q, k, depth, depth >> 2, acc);
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = before[xp_scaled(acc[i], scale) + way->zero];
      if (mask != 0) {
        acc[i] = p_mac(p_mac(way->mask_start, acc[i], way->score_factor), mask[key + i],
                       way->mask_factor);
        acc[i] = xp_scaled(acc[i], sum) + way->mask_zero;
      }
    }
    const int32_t four = xp_pack(acc[0], acc[1], acc[2], acc[3]);
    largest = pv_max_b(largest, four);
    xp_store(y, four);
  }
  return largest;
}

/// Scores of 4 * n keys with the mask, where there is one, and the table where it is not part of
/// the scale. Returns the largest of every fourth and of `largest`.
static __attribute__((noinline)) int32_t attention_scores(const ratio_attention_xpulp_args *p,
                                                          const attention_way *way, const int8_t *q,
                                                          const int8_t *k, const int8_t *mask,
                                                          int32_t n, int8_t *y, int32_t largest) {
  if (n <= 0) {
    return largest;
  }
  if (way->kind == ATTENTION_STEPWISE) {
    return attention_any_scores(p, q, k, mask, n, y, largest);
  }
  int32_t found;
  if (p->depth != 4) {
    found = attention_deep_scores(p, &way->scale, q, k, n, y, largest);
  } else {
    found = attention_short_scores(xp_load(q), k, n, &way->scale, y, largest);
  }
  if (way->kind == ATTENTION_PLAIN) {
    const int8_t *const before = way->before + 128;
    found = largest;
    for (int8_t *at = y; at < y + 4 * n; at += 4) {
      const int32_t four = xp_pack(before[at[0]], before[at[1]], before[at[2]], before[at[3]]);
      found = pv_max_b(found, four);
      xp_store(at, four);
    }
  }
  return mask == 0 ? found : attention_masked(y, mask, n, largest);
}

/// What is known of one query's row.
typedef struct {
  int32_t largest;
  int32_t clear; // fours of keys to which the mask adds nothing
  int32_t kept;  // fours of keys before the mask's last run
  int32_t bound; // no numerator of that run is larger
  int32_t words; // fours of keys that have scores, later weights
} attention_row;

/// One query after another would fetch the code of all steps again and again: cores keep little of
/// it. So each step is taken for several queries of a head.
typedef struct {
  const int8_t *q, *k, *mask; // of the first of them
  int32_t count;
  attention_row row[ATTENTION_ROWS];
} attention_rows;

/// Where masks begin to add something, and where their last runs of equal bytes begin.
static __attribute__((noinline)) void attention_spans(const ratio_attention_xpulp_args *p,
                                                      const attention_way *way,
                                                      attention_rows *rows) {
  const int32_t whole = p->keys >> 2, is_plain = way->kind != ATTENTION_STEPWISE;
  const int8_t *mask = rows->mask;
  for (attention_row *row = rows->row; row < rows->row + rows->count; ++row) {
    *row = (attention_row){0, 0, whole, ATTENTION_UNBOUNDED, (p->keys + 3) >> 2};
    if (!way->is_masked) {
      row->clear = whole;
    } else if (is_plain) {
      const int8_t *at = mask;
      for (; row->clear < whole && xp_load(at) == 0; at += 4) {
        ++row->clear;
      }
    }
    const int32_t end = (uint8_t)mask[p->keys - 1] * 0x01010101;
    if (row->clear < whole && is_plain && way->may_skip && xp_load(mask + p->keys - 4) == end) {
      const int8_t *at = mask + 4 * whole - 4;
      for (; row->kept > row->clear && xp_load(at) == end; at -= 4) {
        --row->kept;
      }
    }
    mask += p->mask_step;
  }
}

/// No numerator behind a row's kept keys is larger: no score there is above the highest one with
/// the mask's last byte.
static inline int32_t attention_bound(const ratio_attention_xpulp_args *p, const attention_way *way,
                                      const int8_t *mask, int32_t largest) {
  const int32_t distance = largest - p_max(way->highest + mask[p->keys - 1], -128);
  return distance < 0 ? ATTENTION_UNBOUNDED : way->bounds[distance >> 4];
}

/// Scores of a row. What is behind the kept keys is skipped if all its numerators are zeros. The
/// last four keys, where the last are fewer, are computed together with some of those before.
static inline __attribute__((always_inline)) void
attention_row_scores(const ratio_attention_xpulp_args *p, const attention_way *way, const int8_t *q,
                     const int8_t *k, const int8_t *mask, int8_t *scores, attention_row *row,
                     int32_t is_fast) {
  const int32_t whole = 4 * (p->keys >> 2), depth = is_fast ? 4 : p->depth;
  const int32_t kept = 4 * row->kept, word = is_fast ? xp_load(q) : 0;
  int32_t from = 4 * row->clear, to = kept, at = from, largest = ATTENTION_LOWEST;
  if (from > 0 && is_fast) {
    largest = attention_narrow_scores(word, k, row->clear, &way->scale, scores, largest);
  } else if (from > 0) {
    largest = attention_scores(p, way, q, k, 0, row->clear, scores, largest);
  }
  for (;;) {
    const int8_t *const added = way->is_masked ? mask + from : (const int8_t *)&way->none;
    const int32_t n = (to - from) >> 2;
    if (n > 0 && is_fast) {
      largest = attention_narrow_masked(word, k + from * depth, n, &way->scale, added, scores + at,
                                        largest);
    } else if (n > 0) {
      largest = attention_scores(p, way, q, k + from * depth, way->is_masked ? added : 0, n,
                                 scores + at, largest);
    }
    if (to == p->keys) {
      break;
    }
    if (to < whole) {
      row->bound = attention_bound(p, way, mask, attention_most(largest));
      if (row->bound == 0) {
        row->words = row->kept;
        break;
      }
      from = at = to;
      to = whole;
    } else {
      from = p->keys - 4;
      to = p->keys;
      at = whole;
    }
  }
  row->largest = attention_most(largest);
}

static inline __attribute__((always_inline)) void
attention_rows_scores(const ratio_attention_xpulp_args *p, const attention_way *way,
                      attention_rows *rows, const attention_room *room, int32_t is_fast) {
  const int8_t *q = rows->q, *mask = rows->mask;
  int8_t *scores = room->scores;
  for (attention_row *row = rows->row; row < rows->row + rows->count; ++row) {
    attention_row_scores(p, way, q, rows->k, mask, scores, row, is_fast);
    q += p->depth;
    mask += p->mask_step;
    scores += room->keys;
  }
}

static __attribute__((noinline)) void attention_all_scores(const ratio_attention_xpulp_args *p,
                                                           const attention_way *way,
                                                           attention_rows *rows,
                                                           const attention_room *room) {
  attention_rows_scores(p, way, rows, room, 0);
}

static __attribute__((noinline)) void attention_fast_scores(const ratio_attention_xpulp_args *p,
                                                            const attention_way *way,
                                                            attention_rows *rows,
                                                            const attention_room *room) {
  attention_rows_scores(p, way, rows, room, 1);
}
