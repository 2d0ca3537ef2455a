/// A matrix b is laid out once as weights of dense layers are; then rows of a meet four columns at
/// a time.
#include "matmul_xpulp.h"

#include "broadcast.h"
#include "dense_xpulp_core.h"

/// Scratch of one core, and what is in it.
typedef struct {
  int8_t *columns;
  int8_t *row;
  int32_t *starts; // what sums of a column begin with, a's sum left out
  int32_t words, groups;
} matmul_xpulp_room;

static matmul_xpulp_room matmul_xpulp_room_in(const matmul_s8_args *p, void *scratch) {
  const int32_t words = (p->depth + 3) >> 2, groups = (p->columns + 3) >> 2;
  int8_t *const columns = scratch;
  int8_t *const row = columns + groups * words * 16;
  return (matmul_xpulp_room){columns, row, (int32_t *)(void *)(row + words * 4), words, groups};
}

/// Four columns, at most, from `first` on, in words; zeros where there is nothing.
static void matmul_xpulp_lay_out(const matmul_s8_args *p, const int8_t *b, int32_t first,
                                 int32_t words, int8_t *to) {
  const int32_t count = p_min(p->columns - first, 4);
  const int32_t down = p->transposes_b ? 1 : p->columns, along = p->transposes_b ? p->depth : 1;
  if (count < 4 || (p->depth & 3) != 0) {
    xp_fill_pairs(to, 0, words * 2);
  }
  for (int32_t c = 0; c < count; ++c) {
    const int8_t *from = b + (first + c) * along;
    int8_t *at = to + c * 4;
    int32_t k = 0;
    for (; k + 4 <= p->depth; k += 4, at += 16, from += 4 * down) {
      xp_store(at, xp_pack(from[0], from[down], from[2 * down], from[3 * down]));
    }
    for (int32_t i = 0; k + i < p->depth; ++i) {
      at[i] = from[i * down];
    }
  }
}

static void matmul_xpulp_matrix(const matmul_s8_args *p, const int8_t *b,
                                const matmul_xpulp_room *room) {
  const int32_t both = p->depth * p->a_zero * p->b_zero;
  for (int32_t g = 0; g < room->groups; ++g) {
    int8_t *const columns = room->columns + g * room->words * 16;
    int32_t *const starts = room->starts + g * 4;
    matmul_xpulp_lay_out(p, b, g * 4, room->words, columns);
    for (int32_t c = 0; c < 4; ++c) {
      int32_t sum = 0;
      for (int32_t k = 0; p->a_zero != 0 && k < room->words; ++k) {
        sum = pv_sdotsp_b(sum, xp_load(columns + k * 16 + c * 4), 0x01010101);
      }
      starts[c] = both - p->a_zero * sum;
    }
  }
}

/// A row of a as whole words.
static const int8_t *matmul_xpulp_words(const matmul_s8_args *p, const int8_t *a,
                                        const matmul_xpulp_room *room) {
  if ((p->depth & 3) == 0) {
    return a;
  }
  for (int32_t i = 0; i < p->depth; ++i) {
    room->row[i] = a[i];
  }
  for (int32_t i = p->depth; i < 4 * room->words; ++i) {
    room->row[i] = 0;
  }
  return room->row;
}

static inline void matmul_xpulp_row(const matmul_s8_args *p, const int8_t *a, int8_t *y,
                                    const matmul_xpulp_room *room, tw_rounding rounding) {
  const int32_t multiplier = p->multiplier, shift = p->shift, zero = p->y_zero;
  const int32_t low = p->low - zero, high = p->high - zero;
  int32_t excess = 0;
  for (int32_t k = 0; p->b_zero != 0 && k < room->words; ++k) {
    excess = pv_sdotsp_b(excess, xp_load(a + k * 4), 0x01010101);
  }
  excess *= p->b_zero;
  for (int32_t g = 0; g < room->groups; ++g) {
    int32_t acc[4];
    for (int32_t c = 0; c < 4; ++c) {
      acc[c] = room->starts[g * 4 + c] - excess;
    }
    dense_xpulp_four(a, room->columns + g * room->words * 16, room->words, acc);
    for (int32_t c = 0; c < 4; ++c) {
      const int32_t scaled = rounding == TW_ROUND_HALF_UP
                                 ? p_addrn(tw_wrapping_multiply(acc[c], multiplier), 0, shift)
                                 : tw_rescale(acc[c], multiplier, shift, rounding);
      acc[c] = p_min(p_max(scaled, low), high) + zero;
    }
    for (int32_t c = 0; c < p_min(p->columns - g * 4, 4); ++c) {
      y[g * 4 + c] = (int8_t)acc[c];
    }
  }
}

static inline void matmul_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const matmul_s8_args *const p = args;
  const matmul_xpulp_room room = matmul_xpulp_room_in(p, work.scratch);
  const int8_t *laid_out = 0;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t batch = item / p->rows, row = item % p->rows;
    const int32_t outer = batch / p->n3, inner = batch % p->n3;
    const int32_t of_a = tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2) + inner * p->a3;
    const int32_t of_b = tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2) + inner * p->b3;
    const int8_t *const b = p->b + of_b * p->depth * p->columns;
    if (b != laid_out) {
      matmul_xpulp_matrix(p, b, &room);
      laid_out = b;
    }
    const int8_t *const a = matmul_xpulp_words(p, p->a + (of_a * p->rows + row) * p->depth, &room);
    matmul_xpulp_row(p, a, p->y + item * p->columns, &room, rounding);
  }
}

void matmul_xpulp_double(const void *args, tw_work work) {
  matmul_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void matmul_xpulp_half_even(const void *args, tw_work work) {
  matmul_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void matmul_xpulp_half_up(const void *args, tw_work work) {
  matmul_xpulp_core(args, work, TW_ROUND_HALF_UP);
}
