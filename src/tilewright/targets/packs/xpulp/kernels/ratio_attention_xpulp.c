/// A head's values are laid out by columns once; then each step is taken for several queries:
/// scores as bytes, numerators as words, weights as bytes in the scores' place, sums of products.
#include "ratio_attention_xpulp.h"

#include "ratio_attention_scores.h"

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

static __attribute__((noinline)) void attention_long_weights(const ratio_attention_xpulp_args *p,
                                                             const attention_way *way,
                                                             const int32_t *parts, int32_t n,
                                                             attention_quotient by, int8_t *y) {
  const int32_t shift = by.bits - way->between;
  const int32_t upper = attention_pair(by.factor >> way->between, way->twice);
  const int32_t lower = attention_pair(by.factor & ((UINT32_C(1) << way->between) - 1), way->twice);
  attention_long_quotients(parts, n, upper, lower, way->between, shift, way->after, y);
}

/// The last four keys' numerators without those of keys that are among the fours before; returns
/// what they add to a sum.
static inline uint32_t attention_drop(int32_t *parts, int32_t count) {
  uint32_t sum = 0;
  for (; count > 0; --count, ++parts) {
    sum += (uint16_t)*parts;
    *parts = 0;
  }
  return sum;
}

/// Weights of all rows in the place of scores.
static __attribute__((noinline)) void attention_all_weights(const ratio_attention_xpulp_args *p,
                                                            const attention_way *way,
                                                            attention_rows *rows,
                                                            const attention_room *room) {
  const uint32_t most = (uint32_t)(way->levels - 1);
  const int32_t whole = p->keys & ~3, again = -p->keys & 3; // keys that are computed again
  int32_t *const parts = room->parts;
  int8_t *scores = room->scores;
  for (attention_row *row = rows->row; row < rows->row + rows->count; ++row) {
    const int32_t *const table = p->table + 255 - row->largest;
    const int32_t drops = 4 * row->words > whole ? again : 0;
    uint32_t sum = attention_numerators(scores, row->words, table, parts, 0);
    sum -= attention_drop(parts + whole, drops);
    if (row->kept > 0 && (uint32_t)row->bound * most < sum) {
      row->words = row->kept;
    }
    attention_quotient by = attention_quotient_by(most, sum, (uint32_t)way->peak);
    if (by.bits - way->between > 31) { // products fit in words, so that all quotients are zeros
      by = (attention_quotient){0, 0};
    }
    if (way->between == 0) {
      attention_quotients(parts, row->words, attention_pair(by.factor, way->twice), by.bits,
                          way->after, scores);
    } else {
      attention_long_weights(p, way, parts, row->words, by, scores);
    }
    for (int32_t i = 0; i < drops; ++i) {
      scores[whole + i] = (int8_t)way->weight_zero;
    }
    scores += room->keys;
  }
}

/// A head's values by columns, the last four keys' ones as their scores; and what sums with them
/// begin with.
static __attribute__((noinline)) void
attention_values(const ratio_attention_xpulp_args *p, const int8_t *v, const attention_room *room) {
  const attention_way *const way = attention_way_of(p);
  const int32_t columns = p->columns, whole = p->keys & ~3;
  for (int32_t c = 0; c < columns; c += 4) {
    const int8_t *from = v + c;
    int8_t *const to = room->values + c * room->keys;
    for (int32_t key = 0; key < room->keys; key += 4) {
      if (key == whole) {
        from -= (-p->keys & 3) * columns;
      }
      const int32_t r0 = p_lw_post(&from, columns), r1 = p_lw_post(&from, columns);
      const int32_t r2 = p_lw_post(&from, columns), r3 = p_lw_post(&from, columns);
      xp_turn(r0, r1, r2, r3, to + key, room->keys);
    }
  }
  xp_starts(room->values, room->keys, columns, way->weight_zero, room->starts);
}

/// Rows by pairs, which meet four columns at once.
static __attribute__((noinline)) void attention_pairs(const ratio_attention_xpulp_args *p,
                                                      const attention_row *row,
                                                      const attention_room *room, int8_t *x,
                                                      int32_t pairs, int8_t *y) {
  const attention_way *const way = attention_way_of(p);
  const xp_scale scale = way->y;
  const int32_t columns = p->columns, keys = room->keys;
  for (; pairs > 0; --pairs, row += 2, x += 2 * keys, y += 2 * columns) {
    const int32_t first = row[0].words, second = row[1].words;
    for (int32_t gap = first; gap < second; ++gap) {
      xp_store(x + 4 * gap, 0);
    }
    for (int32_t gap = second; gap < first; ++gap) {
      xp_store(x + keys + 4 * gap, 0);
    }
    for (int32_t c = 0; c < columns; c += 4) {
      const int32_t *const start = room->starts + c;
      int32_t acc[8] = {start[0], start[1], start[2], start[3],
                        start[0], start[1], start[2], start[3]};
      attention_product(x, x + keys, room->values + c * keys, keys, p_max(first, second), acc);
#pragma GCC unroll 8
      for (int32_t i = 0; i < 8; ++i) {
        acc[i] = xp_scaled(acc[i], scale) + way->y_zero;
      }
      xp_store(y + c, xp_pack(acc[0], acc[1], acc[2], acc[3]));
      xp_store(y + columns + c, xp_pack(acc[4], acc[5], acc[6], acc[7]));
    }
  }
}

static __attribute__((noinline)) void attention_single(const ratio_attention_xpulp_args *p,
                                                       const attention_row *row,
                                                       const attention_room *room, const int8_t *x,
                                                       int8_t *y) {
  const attention_way *const way = attention_way_of(p);
  const xp_scale scale = way->y;
  xp_row_product(x, room->values, room->starts, room->keys, row->words, p->columns, scale,
                 way->y_zero, y);
}

/// The only row of a head meets its values where they lie: weights whose zero is 0.
static __attribute__((noinline)) void attention_only(const ratio_attention_xpulp_args *p,
                                                     const attention_row *row, const int8_t *v,
                                                     const int8_t *x, int8_t *y) {
  const attention_way *const way = attention_way_of(p);
  const xp_scale scale = way->y;
  const int32_t columns = p->columns, whole = p->keys >> 2;
  for (int32_t c = 0; c < columns; c += 4) {
    int32_t acc[4] = {0}, n = p_min(row->words, whole);
    const int8_t *weights = x, *from = v + c;
    for (int32_t left = row->words; left > 0; left -= n, n = 1) {
      attention_turned(weights, from, columns, n, acc);
      weights += 4 * n;
      from = v + (p->keys - 4) * columns + c;
    }
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = xp_scaled(acc[i], scale) + way->y_zero;
    }
    xp_store(y + c, xp_pack(acc[0], acc[1], acc[2], acc[3]));
  }
}

_Static_assert(sizeof(attention_rows) <= ATTENTION_STATE_BYTES, "scratch begins with rows");

void ratio_attention_xpulp(const void *args, tw_work work) {
  const ratio_attention_xpulp_args *const p = args;
  const attention_way *const way = attention_way_of(p);
  attention_rows *const rows = work.scratch;
  const attention_room room = attention_room_in(p, (int8_t *)work.scratch + ATTENTION_STATE_BYTES);
  const int32_t is_only = p->rows == 1 && way->weight_zero == 0;
  int32_t head = is_only ? work.start : work.start / p->rows, laid_out = -1;
  for (int32_t item = work.start; item < work.stop; item += rows->count) {
    const int32_t next = (head + 1) * p->rows;
    rows->count = p_min(p_min(next, work.stop) - item, ATTENTION_ROWS);
    rows->q = p->q + item * p->depth;
    rows->k = p->k + head * p->keys * p->depth;
    rows->mask = p->mask + (item - head * p->rows) * p->mask_step;
    const int8_t *const v = p->v + head * p->keys * p->columns;
    if (head != laid_out && !is_only) {
      attention_values(p, v, &room);
      laid_out = head;
    }
    attention_spans(p, way, rows);
    if (way->kind == ATTENTION_AS_NARROW && p->depth == 4) {
      attention_fast_scores(p, way, rows, &room);
    } else {
      attention_all_scores(p, way, rows, &room);
    }
    attention_all_weights(p, way, rows, &room);
    int8_t *const y = p->y + item * p->columns;
    if (is_only) {
      attention_only(p, rows->row, v, room.scores, y);
      ++head;
      continue;
    }
    if (rows->count > 1) {
      attention_pairs(p, rows->row, &room, room.scores, rows->count >> 1, y);
    }
    if ((rows->count & 1) != 0) {
      const int32_t last = rows->count - 1;
      attention_single(p, rows->row + last, &room, room.scores + last * room.keys,
                       y + last * p->columns);
    }
    head += item + rows->count == next;
  }
}
