#include "head_rows.h"

#include <string.h>

#include "scaled_row.h"

/// One head's numbers, already in `wide`, go to where they belong.
static inline void store_head(const int32_t *wide, int32_t size, int8_t *y, int32_t heads,
                              int32_t item) {
  int8_t *const row = y + item / heads * heads * (size + TW_HEAD_FACTOR_BYTES);
  const int32_t head = item % heads;
  const int16_t factor = (int16_t)tw_scale_row(wide, size, row + head * size);
  memcpy(row + heads * size + head * TW_HEAD_FACTOR_BYTES, &factor, sizeof factor);
}

void head_rows(const void *args, tw_work work) {
  const head_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item / a->heads;
    const int32_t head = item % a->heads;
    const int16_t *const x = a->x + row * a->width + a->column + head * a->head_dim;
    for (int32_t i = 0; i < a->head_dim; i++) {
      wide[i] = x[i];
    }
    store_head(wide, a->head_dim, a->y, a->heads, item);
  }
}

/// Pairs of x[size], turned by turn[size]: half of them.
static inline void turn_head(const int16_t *x, const int16_t *turn, int32_t size, int32_t *wide) {
  for (int32_t i = 0; i < size; i += 2) {
    const int32_t cosine = turn[i];
    const int32_t sine = turn[i + 1];
    wide[i] = tw_rounded(x[i] * cosine - x[i + 1] * sine, 16);
    wide[i + 1] = tw_rounded(x[i] * sine + x[i + 1] * cosine, 16);
  }
}

void turned_head_rows(const void *args, tw_work work) {
  const turned_head_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item / a->heads;
    const int32_t head = item % a->heads;
    const int16_t *const x = a->x + row * a->width + a->column + head * a->head_dim;
    turn_head(x, a->turns + (a->first + row) * a->head_dim, a->head_dim, wide);
    store_head(wide, a->head_dim, a->y, a->heads, item);
  }
}

void centred_head_rows(const void *args, tw_work work) {
  const centred_head_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item / a->heads;
    const int32_t head = item % a->heads;
    const int16_t *const x = a->x + row * a->width + a->column + head * a->head_dim;
    const int16_t *const centre = a->centre + head * a->head_dim;
    turn_head(x, a->turns + (a->first + row) * a->head_dim, a->head_dim, wide);
    for (int32_t i = 0; i < a->head_dim; i++) {
      wide[i] = tw_saturated(wide[i] - centre[i]);
    }
    store_head(wide, a->head_dim, a->y, a->heads, item);
  }
}
