/// Up to four rows of one matrix at a time, centred into scratch before any of them is written.
#pragma once

#include "broadcast.h"
#include "dot_s8.h"
#include "matmul_s8.h"

enum { MATMUL_COLUMNS = 32 }; // outputs of one row whose accumulators are kept together

/// x[length] int8 minus their zero point, as int16. Returns their sum.
static inline int32_t matmul_centre(const int8_t *x, int32_t zero, int32_t length, int16_t *wide) {
  int32_t sum = 0;
  for (int32_t i = 0; i < length; i++) {
    const int32_t centred = x[i] - zero;
    wide[i] = (int16_t)centred;
    sum += centred;
  }
  return sum;
}

/// acc[j] = x . column j of b for `count` columns; b is [depth][pitch].
static inline void matmul_columns(const int16_t *x, const int8_t *b, int32_t depth, int32_t pitch,
                                  int32_t count, int32_t *acc) {
  int32_t sum[MATMUL_COLUMNS] = {0};
  if (count == MATMUL_COLUMNS) {
    for (int32_t k = 0; k < depth; k++) {
      const int32_t factor = x[k];
      for (int32_t j = 0; j < MATMUL_COLUMNS; j++) {
        sum[j] += factor * b[k * pitch + j];
      }
    }
  } else {
    for (int32_t k = 0; k < depth; k++) {
      const int32_t factor = x[k];
      for (int32_t j = 0; j < count; j++) {
        sum[j] += factor * b[k * pitch + j];
      }
    }
  }
  for (int32_t j = 0; j < count; j++) {
    acc[j] = sum[j];
  }
}

/// acc[j] = x . row j of b for `count` rows of b, which is [count][depth].
static inline void matmul_rows(const int16_t *x, const int8_t *b, int32_t depth, int32_t count,
                               int32_t *acc) {
  int32_t j = 0;
  for (; j + 4 <= count; j += 4) {
    dot_four_channels(x, b + j * depth, depth, acc + j);
  }
  for (; j < count; j++) {
    acc[j] = dot_one(x, b + j * depth, depth);
  }
}

/// One row of the output; `excess`: b_zero * sum(x).
static inline void matmul_one_row(const matmul_s8_args *p, const int16_t *x, int32_t excess,
                                  const int8_t *b, tw_rounding rounding, int8_t *y) {
  const int32_t multiplier = p->multiplier, shift = p->shift;
  const int32_t zero = p->y_zero, low = p->low, high = p->high;
  for (int32_t first = 0; first < p->columns; first += MATMUL_COLUMNS) {
    const int32_t count = tw_min(p->columns - first, MATMUL_COLUMNS);
    int32_t acc[MATMUL_COLUMNS];
    if (p->transposes_b) {
      matmul_rows(x, b + first * p->depth, p->depth, count, acc);
    } else {
      matmul_columns(x, b + first, p->depth, p->columns, count, acc);
    }
    for (int32_t j = 0; j < count; j++) {
      const int32_t scaled = tw_rescale(acc[j] - excess, multiplier, shift, rounding);
      y[first + j] = (int8_t)(tw_clip(scaled, low - zero, high - zero) + zero);
    }
  }
}

static inline void matmul_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const matmul_s8_args *const p = args;
  int16_t *const centred = work.scratch;
  int32_t count = 0;
  for (int32_t item = work.start; item < work.stop; item += count) {
    const int32_t batch = item / p->rows, row = item % p->rows;
    const int32_t outer = batch / p->n3, inner = batch % p->n3;
    const int32_t of_a = tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2) + inner * p->a3;
    const int32_t of_b = tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2) + inner * p->b3;
    const int8_t *const a = p->a + (of_a * p->rows + row) * p->depth;
    const int8_t *const b = p->b + of_b * p->depth * p->columns;
    int32_t excess[DOT_PATCHES];
    count = tw_min(tw_min(p->rows - row, work.stop - item), DOT_PATCHES);
    for (int32_t r = 0; r < count; r++) {
      excess[r] =
          p->b_zero * matmul_centre(a + r * p->depth, p->a_zero, p->depth, centred + r * p->depth);
    }
    for (int32_t r = 0; r < count; r++) {
      matmul_one_row(p, centred + r * p->depth, excess[r], b, rounding,
                     p->y + (item + r) * p->columns);
    }
  }
}
