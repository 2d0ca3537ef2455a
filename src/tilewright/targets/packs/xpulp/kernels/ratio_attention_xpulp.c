/// A head's values are laid out by columns once; then each step is taken for several queries:
/// scores as bytes, numerators as words, weights as bytes in the scores' place, sums of products.
#include "ratio_attention_xpulp.h"

#include "ratio_attention_asm.h"
#include "xp_quotient.h"

enum {
  ATTENTION_ROWS = 8, // queries that take a step together
  ATTENTION_LOWEST = (int32_t)0x80808080,
  ATTENTION_UNBOUNDED = 1 << 22 // larger than every numerator
};

/// What `table` has behind its 256 entries.
enum { ATTENTION_FOLD = 256, ATTENTION_HIGHEST, ATTENTION_PEAK, ATTENTION_FROM = 260 };

/// Scratch of one core.
typedef struct {
  int8_t *values;  // [columns][keys]
  int8_t *scores;  // [rows][keys], later weights
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

/// How a call computes its scores.
typedef struct {
  attention_scale scale; // with the table before the mask, where that is a division
  int32_t is_plain;      // four keys at once; otherwise step by step
  int32_t is_narrow, looks_up;
  int32_t may_skip; // a weight of zero adds nothing
} attention_way;

static inline int32_t attention_is_plain(const ratio_attention_s8_args *p) {
  const int32_t is_sum = p->score_factor == 1 && p->mask_factor == 1 && p->mask_start == 0 &&
                         p->mask_shift == 0 && p->mask_zero == 0 && p->mask_low == -128 &&
                         p->mask_high == 127;
  return (is_sum || !p->is_masked) && p->zero == 0 && p->low == -p->high - 1;
}

static inline attention_way attention_way_of(const ratio_attention_s8_args *p) {
  const int32_t fold = p_max(p->table[ATTENTION_FOLD], 0);
  attention_way way;
  way.scale =
      (attention_scale){p->multiplier, p->shift, p->high, fold, ((1 << fold) - 1) * 0x01010101};
  way.is_plain = attention_is_plain(p);
  // Sums of sixteen bits are then beyond all bounds if larger ones are: 258 * 2**15 >> 16 > 128.
  way.is_narrow = p->shift == 16 && p->multiplier >= 258 && p->multiplier < 1 << 15;
  way.looks_up = p->table[ATTENTION_FOLD] < 0;
  way.may_skip = p->after[0] == 0 && p->weight_zero == 0;
  return way;
}

/// The largest of four bytes.
static inline int32_t attention_most(int32_t four) {
  return p_max(p_max((int8_t)four, (int8_t)(four >> 8)), p_max((int8_t)(four >> 16), four >> 24));
}

/// Scores of 4 * n keys of any depth without a mask.
static inline int32_t attention_deep_scores(const ratio_attention_s8_args *p,
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
static __attribute__((noinline)) int32_t attention_any_scores(const ratio_attention_s8_args *p,
                                                              const int8_t *q, const int8_t *k,
                                                              const int8_t *mask, int32_t n,
                                                              int8_t *y, int32_t largest) {
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->zero, p->high - p->zero};
  const xp_scale sum = {1, p->mask_shift, p->mask_low - p->mask_zero, p->mask_high - p->mask_zero};
  const int8_t *const before = p->before + 128;
  const int32_t depth = p->depth;
  for (int32_t key = 0; key < 4 * n; key += 4, k += 4 * depth, y += 4) {
    int32_t acc[4] = {0};
    xp_four_rows(q, k, depth, depth >> 2, acc);
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = before[xp_scaled(acc[i], scale) + p->zero];
      if (mask != 0) {
        acc[i] =
            p_mac(p_mac(p->mask_start, acc[i], p->score_factor), mask[key + i], p->mask_factor);
        acc[i] = xp_scaled(acc[i], sum) + p->mask_zero;
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
static int32_t attention_scores(const ratio_attention_s8_args *p, const attention_way *way,
                                const int8_t *q, const int8_t *k, const int8_t *mask, int32_t n,
                                int8_t *y, int32_t largest) {
  if (n <= 0) {
    return largest;
  }
  if (!way->is_plain) {
    return attention_any_scores(p, q, k, mask, n, y, largest);
  }
  int32_t found;
  if (p->depth != 4) {
    found = attention_deep_scores(p, &way->scale, q, k, n, y, largest);
  } else if (way->is_narrow) {
    found = attention_narrow_scores(xp_load(q), k, n, &way->scale, y, largest);
  } else {
    found = attention_short_scores(xp_load(q), k, n, &way->scale, y, largest);
  }
  if (way->looks_up) {
    const int8_t *const before = p->before + 128;
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
  int32_t words; // fours of keys that have scores; behind all of them come those that are left over
  int32_t kept;  // fours of keys before the mask's last run
  int32_t bound; // no numerator of that run is larger
} attention_row;

typedef struct {
  int32_t clear; // fours of keys to which the mask adds nothing
  int32_t kept;  // fours of keys before a last run of equal bytes
} attention_span;

static inline attention_span attention_span_of(const int8_t *mask, int32_t keys, int32_t may_skip) {
  const int32_t whole = keys >> 2, end = (uint8_t)mask[keys - 1] * 0x01010101;
  attention_span span = {0, whole};
  for (const int8_t *at = mask; span.clear < whole && xp_load(at) == 0; at += 4) {
    ++span.clear;
  }
  if (span.clear < whole && may_skip && xp_load(mask + keys - 4) == end) {
    const int8_t *at = mask + 4 * whole - 4;
    for (; span.kept > span.clear && xp_load(at) == end; at -= 4) {
      --span.kept;
    }
  }
  return span;
}

/// A row's scores. Where the mask ends with a run of equal bytes, as that of a prompt does, no
/// score in it is above the highest one with that byte; it is skipped if all its numerators are
/// zeros.
static inline attention_row attention_row_scores(const ratio_attention_s8_args *p,
                                                 const attention_way *way, const int8_t *q,
                                                 const int8_t *k, const int8_t *mask,
                                                 int8_t *scores) {
  const int32_t whole = p->keys >> 2, rest = p->keys & 3, last = p->keys - 4, step = 4 * p->depth;
  attention_row row = {0, whole, whole, ATTENTION_UNBOUNDED};
  int32_t largest = ATTENTION_LOWEST, done = 0;
  if (way->is_plain && p->is_masked) {
    const attention_span span = attention_span_of(mask, p->keys, way->may_skip);
    row.kept = done = span.kept;
    largest = attention_scores(p, way, q, k, 0, span.clear, scores, largest);
    largest = attention_scores(p, way, q, k + span.clear * step, mask + 4 * span.clear,
                               done - span.clear, scores + 4 * span.clear, largest);
    row.largest = attention_most(largest);
    if (done < whole) {
      const int32_t highest = p_max(p->table[ATTENTION_HIGHEST] + mask[p->keys - 1], -128);
      const int32_t distance = row.largest - highest;
      row.bound = distance < 0 ? ATTENTION_UNBOUNDED : p->table[ATTENTION_FROM + (distance >> 4)];
      if (row.bound == 0) {
        row.words = done;
        return row;
      }
    }
  }
  const int8_t *const from = p->is_masked ? mask + 4 * done : 0;
  largest =
      attention_scores(p, way, q, k + done * step, from, whole - done, scores + 4 * done, largest);
  if (rest > 0) { // the last four keys, together with some of those before
    int8_t *const at = scores + 4 * whole;
    largest = attention_scores(p, way, q, k + last * p->depth, p->is_masked ? mask + last : 0, 1,
                               at, largest);
    xp_store(at, xp_load(at) >> (32 - 8 * rest));
  }
  row.largest = attention_most(largest);
  return row;
}

/// levels - 1 by a row's sum, times 2**bits, rounded up.
typedef struct {
  uint32_t factor;
  int32_t bits;
} attention_quotient;

/// A numerator e times the factor, shifted right by the bits, is e * (levels - 1) / sum: the
/// product is too large by at most e, and e / 2**bits is below 1 / sum. As 2**bits is at most twice
/// as large as the largest numerator times the sum, the factor has at most nine bits more than that
/// numerator.
static inline attention_quotient attention_quotient_by(uint32_t levels, uint32_t sum,
                                                       uint32_t peak) {
  const uint64_t most = (uint64_t)peak * sum;
  const int32_t bits =
      (most >> 32) != 0 ? 32 + xp_bits((uint32_t)(most >> 32)) : xp_bits((uint32_t)most);
  const int32_t digits = 32 - xp_bits(sum);
  int32_t now = p_min(bits, 24); // levels - 1 has eight
  uint32_t left = (levels - 1) << now;
  uint32_t factor = left / sum;
  for (int32_t open = bits - now; open > 0; open -= now) {
    left -= left / sum * sum;
    now = p_min(open, digits);
    left <<= now;
    factor = factor << now | left / sum;
  }
  return (attention_quotient){factor + 1, bits};
}

/// A factor's part for numerators that stand in a word twice, the upper one 2**shift times as
/// large.
static inline int32_t attention_pair(uint32_t part, int32_t shift) {
  return (int32_t)(part >> shift << 16 | (part & ((UINT32_C(1) << shift) - 1)));
}

/// Weights of 4 * n numerators whose row has this sum.
static inline void attention_weights(const ratio_attention_s8_args *p, const int32_t *parts,
                                     int32_t n, uint32_t sum, int8_t *y) {
  const uint32_t peak = (uint32_t)p->table[ATTENTION_PEAK];
  const attention_quotient by = attention_quotient_by((uint32_t)p->levels, sum, peak);
  // Parts have 16 + twice bits, so that products fit in words; from 2**32 on quotients are zeros.
  const int32_t twice = 16 - xp_bits(peak), between = p_max(9 - 2 * twice, 0);
  const int32_t shift = by.bits - between;
  const uint32_t factor = shift > 31 ? 0 : by.factor;
  const int32_t upper = attention_pair(factor >> between, twice);
  if (between == 0) {
    attention_quotients(parts, n, upper, shift, p->after, y);
  } else {
    const int32_t lower = attention_pair(factor & ((UINT32_C(1) << between) - 1), twice);
    attention_long_quotients(parts, n, upper, lower, between, shift, p->after, y);
  }
}

/// Weights of a row in the place of scores, zeros behind the last. Returns how many fours of keys
/// they are of.
static inline int32_t attention_row_weights(const ratio_attention_s8_args *p,
                                            const attention_row *row, int8_t *scores,
                                            const attention_room *room) {
  const int32_t *const table = p->table + 255 - row->largest;
  const int32_t rest = row->words == p->keys >> 2 ? p->keys & 3 : 0, first = 4 * row->words;
  int32_t *const parts = room->parts;
  uint32_t sum = row->words == 0 ? 0 : attention_numerators(scores, row->words, table, parts, 0);
  if (rest > 0) {
    for (int32_t i = first; i < first + 4; ++i) {
      parts[i] = i < p->keys ? table[scores[i]] : 0;
      sum += (uint16_t)parts[i];
    }
  }
  const int32_t is_light = (uint32_t)row->bound * (uint32_t)(p->levels - 1) < sum;
  const int32_t words = is_light ? row->kept : row->words + (rest > 0);
  attention_weights(p, parts, words, sum, scores);
  for (int32_t i = p->keys; i < 4 * words; ++i) {
    scores[i] = 0;
  }
  return words;
}

/// One query after another would fetch the code of all steps again and again: cores keep little of
/// it. So each step is taken for several queries of a head.
typedef struct {
  int32_t count;
  attention_row row[ATTENTION_ROWS];
} attention_rows;

static __attribute__((noinline)) void attention_all_scores(const ratio_attention_s8_args *p,
                                                           const attention_way *way, int32_t item,
                                                           int32_t head, const attention_room *room,
                                                           attention_rows *rows) {
  const int8_t *const k = p->k + head * p->keys * p->depth;
  const int8_t *mask = p->mask + (item - head * p->rows) * p->mask_step;
  const int8_t *q = p->q + item * p->depth;
  int8_t *scores = room->scores;
  for (int32_t i = 0; i < rows->count; ++i, q += p->depth, mask += p->mask_step) {
    rows->row[i] = attention_row_scores(p, way, q, k, mask, scores);
    scores += room->keys;
  }
}

static __attribute__((noinline)) void attention_all_weights(const ratio_attention_s8_args *p,
                                                            const attention_room *room,
                                                            attention_rows *rows) {
  int8_t *scores = room->scores;
  for (int32_t i = 0; i < rows->count; ++i, scores += room->keys) {
    rows->row[i].kept = attention_row_weights(p, &rows->row[i], scores, room);
  }
}

void ratio_attention_xpulp(const void *args, tw_work work) {
  const ratio_attention_s8_args *const p = args;
  const attention_room room = attention_room_in(p, work.scratch);
  const attention_way way = attention_way_of(p);
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
    attention_all_scores(p, &way, item, head, &room, &rows);
    attention_all_weights(p, &room, &rows);
    for (int32_t i = 0; i < rows.count; ++i) {
      xp_row_product(room.scores + i * room.keys, room.values, room.starts, room.keys,
                     rows.row[i].kept, columns, scale, p->y_zero, p->y + (item + i) * columns);
    }
    head += item + rows.count == next;
  }
}
