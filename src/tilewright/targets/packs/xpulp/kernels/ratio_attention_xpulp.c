/// A head's values are laid out by columns once; then each step is taken for several queries:
/// scores as bytes, numerators as words, weights as bytes in the scores' place, sums of products.
#include "ratio_attention_xpulp.h"

#include "ratio_attention_asm.h"
#include "xp_quotient.h"

enum {
  ATTENTION_ROWS = 8, // queries that take a step together
  ATTENTION_STATE_BYTES = 240,
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

/// How a call computes.
typedef struct {
  attention_scale scale; // with the table before the mask, where that is a division
  int32_t is_plain;      // four keys at once; otherwise step by step
  int32_t is_narrow, looks_up;
  int32_t may_skip; // a weight of zero adds nothing
  int32_t twice;    // numerators stand in a word twice, the upper one 2**twice times as large
  int32_t between;  // bits of a factor's lower part
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
  way.twice = 16 - xp_bits((uint32_t)p->table[ATTENTION_PEAK]);
  way.between = p_max(9 - 2 * way.twice, 0); // parts have 16 + twice bits, so that products fit
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
static __attribute__((noinline)) int32_t attention_scores(const ratio_attention_s8_args *p,
                                                          const attention_way *way, const int8_t *q,
                                                          const int8_t *k, const int8_t *mask,
                                                          int32_t n, int8_t *y, int32_t largest) {
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

/// What is known of one query's row. Behind all fours of keys come those that are left over.
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

/// Where a mask begins to add something, and where its last run of equal bytes does.
static inline attention_row attention_span(const ratio_attention_s8_args *p,
                                           const attention_way *way, const int8_t *mask) {
  const int32_t whole = p->keys >> 2;
  attention_row row = {0, 0, whole, ATTENTION_UNBOUNDED, whole};
  if (!way->is_plain || !p->is_masked) {
    row.clear = p->is_masked ? 0 : whole;
    return row;
  }
  const int32_t end = (uint8_t)mask[p->keys - 1] * 0x01010101;
  const int8_t *at = mask;
  for (; row.clear < whole && xp_load(at) == 0; at += 4) {
    ++row.clear;
  }
  if (row.clear < whole && way->may_skip && xp_load(mask + p->keys - 4) == end) {
    at = mask + 4 * whole - 4;
    for (; row.kept > row.clear && xp_load(at) == end; at -= 4) {
      --row.kept;
    }
  }
  return row;
}

static __attribute__((noinline)) void
attention_spans(const ratio_attention_s8_args *p, const attention_way *way, attention_rows *rows) {
  const int8_t *mask = rows->mask;
  for (int32_t i = 0; i < rows->count; ++i, mask += p->mask_step) {
    rows->row[i] = attention_span(p, way, mask);
  }
}

/// The last four keys where the last are fewer, together with some of those before.
static __attribute__((noinline)) int32_t attention_rest(const ratio_attention_s8_args *p,
                                                        const attention_way *way, const int8_t *q,
                                                        const int8_t *k, const int8_t *mask,
                                                        int8_t *scores, int32_t largest) {
  const int32_t last = p->keys - 4, rest = p->keys & 3;
  const int8_t *const from = p->is_masked ? mask + last : 0;
  largest = attention_scores(p, way, q, k + last * p->depth, from, 1, scores, largest);
  xp_store(scores, xp_load(scores) >> (32 - 8 * rest));
  return largest;
}

/// Scores of keys from one four to another.
static inline int32_t attention_part(const ratio_attention_s8_args *p, const attention_way *way,
                                     const int8_t *q, const int8_t *k, const int8_t *mask,
                                     int32_t count, int8_t *y, int32_t largest, int32_t is_fast) {
  if (count <= 0) {
    return largest;
  }
  if (!is_fast) {
    return attention_scores(p, way, q, k, mask, count, y, largest);
  }
  return mask == 0 ? attention_narrow_scores(xp_load(q), k, count, &way->scale, y, largest)
                   : attention_narrow_masked(xp_load(q), k, count, &way->scale, mask, y, largest);
}

/// No numerator behind a row's kept keys is larger: no score there is above the highest one with
/// the mask's last byte.
static inline int32_t attention_bound(const ratio_attention_s8_args *p, const int8_t *mask,
                                      int32_t largest) {
  const int32_t highest = p_max(p->table[ATTENTION_HIGHEST] + mask[p->keys - 1], -128);
  const int32_t distance = largest - highest;
  return distance < 0 ? ATTENTION_UNBOUNDED : p->table[ATTENTION_FROM + (distance >> 4)];
}

/// Scores of all rows. What is behind the kept keys is skipped if all its numerators are zeros.
static inline __attribute__((always_inline)) void
attention_rows_scores(const ratio_attention_s8_args *p, const attention_way *way,
                      attention_rows *rows, const attention_room *room, int32_t is_fast) {
  const int32_t whole = p->keys >> 2, step = 4 * p->depth;
  const int8_t *q = rows->q, *mask = rows->mask;
  int8_t *scores = room->scores;
  attention_row *row = rows->row;
  for (; row < rows->row + rows->count; ++row) {
    int32_t from = row->clear, to = row->kept;
    int32_t largest =
        attention_part(p, way, q, rows->k, 0, from, scores, ATTENTION_LOWEST, is_fast);
    for (;;) {
      largest = attention_part(p, way, q, rows->k + from * step, mask + 4 * from, to - from,
                               scores + 4 * from, largest, is_fast);
      row->largest = attention_most(largest);
      if (to == whole) {
        break;
      }
      row->bound = attention_bound(p, mask, row->largest);
      if (row->bound == 0) {
        row->words = to;
        break;
      }
      from = to;
      to = whole;
    }
    if (row->words == whole && (p->keys & 3) != 0) {
      largest = attention_rest(p, way, q, rows->k, mask, scores + 4 * whole, largest);
      row->largest = attention_most(largest);
    }
    q += p->depth;
    mask += p->mask_step;
    scores += room->keys;
  }
}

static __attribute__((noinline)) void attention_all_scores(const ratio_attention_s8_args *p,
                                                           const attention_way *way,
                                                           attention_rows *rows,
                                                           const attention_room *room) {
  attention_rows_scores(p, way, rows, room, 0);
}

static __attribute__((noinline)) void attention_fast_scores(const ratio_attention_s8_args *p,
                                                            const attention_way *way,
                                                            attention_rows *rows,
                                                            const attention_room *room) {
  attention_rows_scores(p, way, rows, room, 1);
}

/// levels - 1, the parts of a whole, by a row's sum, times 2**bits, rounded up.
typedef struct {
  uint32_t factor;
  int32_t bits;
} attention_quotient;

/// A numerator e times the factor, shifted right by the bits, is e * parts / sum: the
/// product is too large by at most e, and e / 2**bits is below 1 / sum. As 2**bits is at most twice
/// as large as the largest numerator times the sum, the factor has at most nine bits more than that
/// numerator.
static inline attention_quotient attention_quotient_by(uint32_t parts, uint32_t sum,
                                                       uint32_t peak) {
  const uint64_t most = (uint64_t)peak * sum;
  const int32_t bits =
      (most >> 32) != 0 ? 32 + xp_bits((uint32_t)(most >> 32)) : xp_bits((uint32_t)most);
  const int32_t digits = 32 - xp_bits(sum);
  int32_t now = p_min(bits, 24); // parts have eight
  uint32_t left = parts << now;
  uint32_t factor = left / sum;
  for (int32_t open = bits - now; open > 0; open -= now) {
    left -= left / sum * sum;
    now = p_min(open, digits);
    left <<= now;
    factor = factor << now | left / sum;
  }
  return (attention_quotient){factor + 1, bits};
}

/// A factor's part, of which the lower bits meet the lower numerator in a word.
static inline int32_t attention_pair(uint32_t part, int32_t twice) {
  return (int32_t)(part >> twice << 16 | (part & ((UINT32_C(1) << twice) - 1)));
}

static __attribute__((noinline)) void attention_long_weights(const ratio_attention_s8_args *p,
                                                             const attention_way *way,
                                                             const int32_t *parts, int32_t n,
                                                             attention_quotient by, int8_t *y) {
  const int32_t shift = by.bits - way->between;
  const int32_t upper = attention_pair(by.factor >> way->between, way->twice);
  const int32_t lower = attention_pair(by.factor & ((UINT32_C(1) << way->between) - 1), way->twice);
  attention_long_quotients(parts, n, upper, lower, way->between, shift, p->after, y);
}

/// Numerators of the keys that are left over, zeros behind them; returns their sum.
static __attribute__((noinline)) uint32_t attention_last_numerators(
    const ratio_attention_s8_args *p, const int32_t *table, const int8_t *scores, int32_t *parts) {
  const int32_t first = p->keys & ~3;
  uint32_t sum = 0;
  for (int32_t i = first; i < first + 4; ++i) {
    parts[i] = i < p->keys ? table[scores[i]] : 0;
    sum += (uint16_t)parts[i];
  }
  return sum;
}

/// Weights of all rows in the place of scores, zeros behind the last.
static __attribute__((noinline)) void attention_all_weights(const ratio_attention_s8_args *p,
                                                            const attention_way *way,
                                                            attention_rows *rows,
                                                            const attention_room *room) {
  const uint32_t most = (uint32_t)(p->levels - 1), peak = (uint32_t)p->table[ATTENTION_PEAK];
  int32_t *const parts = room->parts;
  int8_t *scores = room->scores;
  for (attention_row *row = rows->row; row < rows->row + rows->count; ++row) {
    const int32_t *const table = p->table + 255 - row->largest;
    uint32_t sum = row->words == 0 ? 0 : attention_numerators(scores, row->words, table, parts, 0);
    if (row->words == p->keys >> 2 && (p->keys & 3) != 0) {
      sum += attention_last_numerators(p, table, scores, parts);
      ++row->words;
    }
    if ((uint32_t)row->bound * most < sum) {
      row->words = row->kept;
    }
    attention_quotient by = attention_quotient_by(most, sum, peak);
    if (by.bits - way->between > 31) { // products fit in words, so that all quotients are zeros
      by = (attention_quotient){0, 0};
    }
    if (way->between == 0) {
      attention_quotients(parts, row->words, attention_pair(by.factor, way->twice), by.bits,
                          p->after, scores);
    } else {
      attention_long_weights(p, way, parts, row->words, by, scores);
    }
    for (int32_t i = p->keys; i < 4 * row->words; ++i) {
      scores[i] = 0;
    }
    scores += room->keys;
  }
}

/// Two rows meet four columns: fourteen instructions for 32 products.
static inline void attention_two_rows(const attention_room *room, const int8_t *x, int32_t words,
                                      int32_t column, int32_t acc[8]) {
  const int8_t *const b = room->values + column * room->keys;
  for (int32_t i = 0; i < 4; ++i) {
    acc[i] = acc[4 + i] = room->starts[column + i];
  }
  if (words > 0) {
    attention_product(x, x + room->keys, b, room->keys, words, acc);
  }
}

static __attribute__((noinline)) void attention_all_products(const ratio_attention_s8_args *p,
                                                             const attention_rows *rows,
                                                             const attention_room *room,
                                                             int8_t *y) {
  const xp_scale scale = {p->y_multiplier, p->y_shift, p->y_low - p->y_zero, p->y_high - p->y_zero};
  const int32_t columns = p->columns;
  int8_t *x = room->scores;
  int32_t i = 0;
  for (; i + 1 < rows->count; i += 2, x += 2 * room->keys, y += 2 * columns) {
    const int32_t first = rows->row[i].words, second = rows->row[i + 1].words;
    for (int32_t gap = first; gap < second; ++gap) {
      xp_store(x + 4 * gap, 0);
    }
    for (int32_t gap = second; gap < first; ++gap) {
      xp_store(x + room->keys + 4 * gap, 0);
    }
    for (int32_t c = 0; c < columns; c += 4) {
      int32_t acc[8];
      attention_two_rows(room, x, p_max(first, second), c, acc);
#pragma GCC unroll 8
      for (int32_t at = 0; at < 8; ++at) {
        acc[at] = xp_scaled(acc[at], scale) + p->y_zero;
      }
      xp_store(y + c, xp_pack(acc[0], acc[1], acc[2], acc[3]));
      xp_store(y + columns + c, xp_pack(acc[4], acc[5], acc[6], acc[7]));
    }
  }
  if (i < rows->count) {
    xp_row_product(x, room->values, room->starts, room->keys, rows->row[i].words, columns, scale,
                   p->y_zero, y);
  }
}

/// At the start of scratch: stacks are short.
typedef struct {
  attention_way way;
  attention_rows rows;
} attention_state;

_Static_assert(sizeof(attention_state) <= ATTENTION_STATE_BYTES, "scratch holds the state");

void ratio_attention_xpulp(const void *args, tw_work work) {
  const ratio_attention_s8_args *const p = args;
  attention_state *const state = work.scratch;
  attention_way *const way = &state->way;
  attention_rows *const rows = &state->rows;
  const attention_room room = attention_room_in(p, (int8_t *)work.scratch + ATTENTION_STATE_BYTES);
  *way = attention_way_of(p);
  const int32_t is_fast = way->is_plain && way->is_narrow && !way->looks_up && p->depth == 4;
  int32_t head = work.start / p->rows, laid_out = -1;
  for (int32_t item = work.start; item < work.stop; item += rows->count) {
    const int32_t next = (head + 1) * p->rows;
    rows->count = p_min(p_min(next, work.stop) - item, ATTENTION_ROWS);
    rows->q = p->q + item * p->depth;
    rows->k = p->k + head * p->keys * p->depth;
    rows->mask = p->mask + (item - head * p->rows) * p->mask_step;
    if (head != laid_out) {
      xp_matrix(p->v + head * p->keys * p->columns, p->keys, p->columns, p->weight_zero,
                room.values, room.keys, room.starts);
      laid_out = head;
    }
    attention_spans(p, way, rows);
    if (is_fast) {
      attention_fast_scores(p, way, rows, &room);
    } else {
      attention_all_scores(p, way, rows, &room);
    }
    attention_all_weights(p, way, rows, &room);
    attention_all_products(p, rows, &room, p->y + item * p->columns);
    head += item + rows->count == next;
  }
}
