/// A head's values are laid out by columns once; then queries come one by one: scores as bytes,
/// numerators as words, weights as bytes in the scores' place, sums of four products.
#include "ratio_attention_xpulp.h"

#include "xp_fours.h"
#include "xp_quotient.h"

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
  int32_t *const parts = (int32_t *)(void *)(scores + keys);
  return (attention_room){values, scores, parts, parts + keys, keys};
}

/// How a score meets its mask.
typedef enum { ATTENTION_UNMASKED, ATTENTION_PLAIN, ATTENTION_SCALED } attention_masking;

/// The sum with the mask, in numbers that were scaled before it.
static inline int32_t attention_weighted(const ratio_attention_s8_args *p, int32_t logit,
                                         int32_t mask) {
  const int32_t sum = p_mac(p_mac(p->mask_start, logit, p->score_factor), mask, p->mask_factor);
  return p_addrn(sum, 0, p->mask_shift);
}

/// Scores of one query by fours, the last four together with some of those before. Returns the
/// largest.
static inline __attribute__((always_inline)) int32_t
attention_scores(const ratio_attention_s8_args *p, const int8_t *q, const int8_t *k,
                 const int8_t *mask, int8_t *scores, attention_masking masking) {
  const int8_t *const before = p->before + 128 + p->zero;
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->zero, p->high - p->zero};
  const int32_t zero = p->mask_zero, low = p->mask_low - zero, high = p->mask_high - zero;
  const int32_t depth = p->depth, words = depth >> 2, first = xp_load(q);
  int32_t largest = (int32_t)0x80808080;
  for (int32_t left = p->keys; left > 0; left -= 4) {
    if (left < 4) { // the four keys that end with the last one
      k -= (4 - left) * depth;
      mask -= 4 - left;
      scores -= 4 - left;
    }
    int32_t acc[4] = {0};
    if (words == 1) {
#pragma GCC unroll 4
      for (int32_t i = 0; i < 4; ++i) {
        acc[i] = pv_sdotsp_b(0, first, xp_load(k + 4 * i));
      }
    } else {
      xp_four_rows(q, k, depth, words, acc);
    }
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = p_lb_at(before, xp_scaled(acc[i], scale));
    }
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t sum =
          masking == ATTENTION_PLAIN ? acc[i] + mask[i] : attention_weighted(p, acc[i], mask[i]);
      acc[i] = p_min(p_max(sum, low), high);
    }
    int32_t four = xp_pack(acc[0], acc[1], acc[2], acc[3]);
    if (masking == ATTENTION_SCALED) {
      four = pv_add_b(four, (zero & 0xff) * 0x01010101);
    }
    largest = pv_max_b(largest, four);
    xp_store(scores, four);
    k += 4 * depth;
    mask += 4;
    scores += 4;
  }
  return p_max(p_max((int8_t)largest, (int8_t)(largest >> 8)),
               p_max((int8_t)(largest >> 16), largest >> 24));
}

/// Numerators of a row, zeros behind the last; returns their sum.
static inline uint32_t attention_parts(const ratio_attention_s8_args *p, int32_t largest,
                                       const attention_room *room) {
  const int32_t *const table = p->table + 255 - largest;
  const int8_t *scores = room->scores;
  int32_t *parts = room->parts, sum = 0;
  int32_t left = p->keys;
  for (; left >= 4; left -= 4, scores += 4, parts += 4) {
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t part = p_lw_at(table, scores[i] * 4);
      sum += part;
      parts[i] = part;
    }
  }
  for (int32_t i = 0; left > 0 && i < 4; ++i) {
    parts[i] = i < left ? table[scores[i]] : 0;
    sum += parts[i];
  }
  return (uint32_t)sum;
}

/// Weights in the place of scores; zeros behind the last.
static inline void attention_weights(const ratio_attention_s8_args *p, uint32_t sum,
                                     const attention_room *room) {
  const int32_t *parts = room->parts;
  const int8_t *const after = p->after;
  int8_t *weights = room->scores;
  const uint32_t total = sum / (uint32_t)(p->levels - 1);
  if (total < 2) { // parts are quotients
    for (int32_t i = 0; i < room->keys; ++i) {
      weights[i] = after[parts[i]];
    }
  } else {
    const xp_divisor by = xp_divisor_of(total);
    for (int32_t i = 0; i < room->keys; i += 4, parts += 4, weights += 4) {
      int32_t w[4];
#pragma GCC unroll 4
      for (int32_t j = 0; j < 4; ++j) {
        w[j] = p_lb_at(after, (int32_t)xp_quotient((uint32_t)parts[j], by));
      }
      xp_store(weights, xp_pack(w[0], w[1], w[2], w[3]));
    }
  }
  for (int32_t i = p->keys; i < room->keys; ++i) {
    room->scores[i] = 0;
  }
}

void ratio_attention_xpulp(const void *args, tw_work work) {
  const ratio_attention_s8_args *const p = args;
  const attention_room room = attention_room_in(p, work.scratch);
  const int32_t is_plain = p->score_factor == 1 && p->mask_factor == 1 && p->mask_start == 0 &&
                           p->mask_shift == 0 && p->mask_zero == 0;
  int32_t head = work.start / p->rows, row = work.start - head * p->rows;
  const xp_scale scale = {p->y_multiplier, p->y_shift, p->y_low - p->y_zero, p->y_high - p->y_zero};
  int32_t laid_out = -1;
  for (int32_t item = work.start; item < work.stop; ++item, ++row) {
    if (row == p->rows) {
      row = 0;
      ++head;
    }
    if (head != laid_out) {
      xp_matrix(p->v + head * p->keys * p->columns, p->keys, p->columns, p->weight_zero,
                room.values, room.keys, room.starts);
      laid_out = head;
    }
    const int8_t *const q = p->q + item * p->depth;
    const int8_t *const k = p->k + head * p->keys * p->depth;
    const int8_t *const mask = p->mask + row * p->mask_step;
    const int32_t largest =
        p->is_masked == 0 ? attention_scores(p, q, k, mask, room.scores, ATTENTION_UNMASKED)
        : is_plain        ? attention_scores(p, q, k, mask, room.scores, ATTENTION_PLAIN)
                          : attention_scores(p, q, k, mask, room.scores, ATTENTION_SCALED);
    attention_weights(p, attention_parts(p, largest, &room), &room);
    xp_row_product(room.scores, room.values, room.starts, room.keys >> 2, p->columns, scale,
                   p->y_zero, p->y + item * p->columns);
  }
}
