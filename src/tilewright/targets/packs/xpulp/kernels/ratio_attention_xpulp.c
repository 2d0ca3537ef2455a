/// A head's values are laid out by columns once; then queries come one by one: scores as bytes,
/// numerators as words, weights as bytes in the scores' place, sums of four products.
#include "ratio_attention_xpulp.h"

#include "ratio_attention_asm.h"
#include "xp_quotient.h"

enum { ATTENTION_ROWS = 8 }; // queries that take a step together

/// Scratch of one core.
typedef struct {
  int8_t *values;  // [columns][keys]
  int8_t *scores;  // [keys], later weights
  int32_t *parts;  // [keys] numerators
  int32_t *starts; // [columns] what sums begin with
  int32_t keys;    // in fours
} attention_room;

static inline attention_room attention_room_in(const ratio_attention_s8_args *p, void *scratch) {
  const int32_t keys = (p->keys + 3) & ~3;
  int8_t *const values = scratch;
  int8_t *const scores = values + p->columns * keys;
  const int32_t rows = p_min(p->rows, ATTENTION_ROWS);
  int32_t *const parts = (int32_t *)(void *)(scores + rows * keys);
  return (attention_room){values, scores, parts, parts + keys, keys};
}

/// Logits of 4 * n keys before their table.
static inline void attention_logits(const ratio_attention_s8_args *p, const int8_t *q,
                                    const int8_t *k, int32_t n, int8_t *y) {
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->zero, p->high - p->zero};
  const int32_t depth = p->depth, words = depth >> 2;
  if (words == 1 && p->zero == 0 && scale.low == -scale.high - 1) {
    attention_short_logits(xp_load(q), k, n, scale, y);
    return;
  }
  for (; n > 0; --n, k += 4 * depth, y += 4) {
    int32_t acc[4] = {0};
    xp_four_rows(q, k, depth, words, acc);
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = xp_scaled(acc[i], scale) + p->zero;
    }
    xp_store(y, xp_pack(acc[0], acc[1], acc[2], acc[3]));
  }
}

/// The table and the sum with the mask, for 4 * n keys; returns the largest of every fourth.
static inline int32_t attention_sums(const ratio_attention_s8_args *p, const int8_t *mask,
                                     int32_t n, int8_t *y, int32_t largest) {
  const int8_t *const before = p->before + 128;
  const int32_t zero = p->mask_zero, low = p->mask_low - zero, high = p->mask_high - zero;
  const int32_t a = p->is_masked ? p->score_factor : 1, b = p->is_masked ? p->mask_factor : 0;
  const int32_t start = p->mask_start, shift = p->mask_shift;
  if (a == 1 && b == 1 && start == 0 && shift == 0 && zero == 0 && low == -high - 1) {
    return attention_plain_sums(y, n, before, mask, high, largest);
  }
  for (int32_t i = 0; i < 4 * n; ++i) {
    const int32_t sum = p_mac(p_mac(start, before[y[i]], a), mask[i], b);
    y[i] = (int8_t)(p_min(p_max(p_addrn(sum, 0, shift), low), high) + zero);
  }
  for (; n > 0; --n, y += 4) {
    largest = pv_max_b(largest, xp_load(y));
  }
  return largest;
}

/// Scores of one query by fours, the last four together with some of those before. Returns the
/// largest.
static inline int32_t attention_scores(const ratio_attention_s8_args *p, const int8_t *q,
                                       const int8_t *k, const int8_t *mask, int8_t *scores) {
  const int32_t fours = p->keys >> 2, rest = p->keys & 3, last = p->keys - 4;
  int32_t four;
  attention_logits(p, q, k, fours, scores);
  if (rest == 0) {
    four = attention_sums(p, mask, fours, scores, (int32_t)0x80808080);
  } else {
    // Sums take the place of logits, so the last four begin behind the others, where room is.
    attention_logits(p, q, k + last * p->depth, 1, scores + 4 * fours);
    four = attention_sums(p, mask, fours, scores, (int32_t)0x80808080);
    four = attention_sums(p, mask + last, 1, scores + 4 * fours, four);
    const int32_t end = xp_load(scores + 4 * fours);
    xp_store(scores + last, end);
  }
  return p_max(p_max((int8_t)four, (int8_t)(four >> 8)), p_max((int8_t)(four >> 16), four >> 24));
}

/// Numerators of a row, zeros behind the last; returns their sum.
static inline uint32_t attention_parts(const ratio_attention_s8_args *p, int32_t largest,
                                       const int8_t *scores, const attention_room *room) {
  const int32_t *const table = p->table + 255 - largest;
  const int32_t whole = p->keys & ~3;
  int32_t *const parts = room->parts;
  int32_t sum = attention_numerators(scores, whole >> 2, table, parts);
  for (int32_t i = whole; i < room->keys; ++i) {
    parts[i] = i < p->keys ? table[scores[i]] : 0;
    sum += parts[i];
  }
  return (uint32_t)sum;
}

/// Weights in the place of scores; zeros behind the last.
static inline void attention_weights(const ratio_attention_s8_args *p, uint32_t sum, int8_t *scores,
                                     const attention_room *room) {
  const uint32_t total = sum / (uint32_t)(p->levels - 1);
  if (total < 2) { // parts are quotients
    for (int32_t i = 0; i < room->keys; ++i) {
      scores[i] = p->after[room->parts[i]];
    }
  } else {
    const xp_divisor by = xp_divisor_of(total);
    attention_quotients(room->parts, room->keys >> 2, by.factor, by.shift, p->after, scores);
  }
  for (int32_t i = p->keys; i < room->keys; ++i) {
    scores[i] = 0;
  }
}

/// One query after another would fetch the code of all steps again and again: cores keep little of
/// it. So each step is taken for several queries of a head.
typedef struct {
  int32_t count;
  int32_t largest[ATTENTION_ROWS];
} attention_rows;

static __attribute__((noinline)) void attention_all_scores(const ratio_attention_s8_args *p,
                                                           int32_t item, int32_t head,
                                                           const attention_room *room,
                                                           attention_rows *rows) {
  const int8_t *const k = p->k + head * p->keys * p->depth;
  const int8_t *mask = p->mask + (item - head * p->rows) * p->mask_step;
  const int8_t *q = p->q + item * p->depth;
  int8_t *scores = room->scores;
  for (int32_t i = 0; i < rows->count; ++i, q += p->depth, mask += p->mask_step) {
    rows->largest[i] = attention_scores(p, q, k, mask, scores);
    scores += room->keys;
  }
}

static __attribute__((noinline)) void attention_all_weights(const ratio_attention_s8_args *p,
                                                            const attention_room *room,
                                                            const attention_rows *rows) {
  int8_t *scores = room->scores;
  for (int32_t i = 0; i < rows->count; ++i, scores += room->keys) {
    const uint32_t sum = attention_parts(p, rows->largest[i], scores, room);
    attention_weights(p, sum, scores, room);
  }
}

void ratio_attention_xpulp(const void *args, tw_work work) {
  const ratio_attention_s8_args *const p = args;
  const attention_room room = attention_room_in(p, work.scratch);
  const xp_scale scale = {p->y_multiplier, p->y_shift, p->y_low - p->y_zero, p->y_high - p->y_zero};
  const int32_t columns = p->columns;
  int32_t head = work.start / p->rows, laid_out = -1;
  attention_rows rows;
  for (int32_t item = work.start; item < work.stop; item += rows.count) {
    const int32_t next = (head + 1) * p->rows;
    rows.count = p_min(p_min(next, work.stop) - item, ATTENTION_ROWS);
    if (head != laid_out) {
      xp_matrix(p->v + head * p->keys * columns, p->keys, columns, p->weight_zero, room.values,
                room.keys, room.starts);
      laid_out = head;
    }
    attention_all_scores(p, item, head, &room, &rows);
    attention_all_weights(p, &room, &rows);
    for (int32_t i = 0; i < rows.count; ++i) {
      xp_row_product(room.scores + i * room.keys, room.values, room.starts, room.keys >> 2, columns,
                     scale, p->y_zero, p->y + (item + i) * columns);
    }
    head += item + rows.count == next;
  }
}
