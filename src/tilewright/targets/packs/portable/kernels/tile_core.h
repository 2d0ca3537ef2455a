/// What products and attention in tiles share: dot products of rows of tiles, scales, curves.
#pragma once

#include "tiles_s8.h"
#include "tw_arithmetic.h"

enum { TILE = 64, TILE_BYTES = TILE * TILE };

/// Row `a` of tiles times row `b` of others: `inner` tiles that lie so many bytes apart.
static inline int32_t tile_dot(const int8_t *a, const int8_t *b, int32_t inner, int32_t a_step,
                               int32_t b_step) {
  int32_t sum = 0;
  for (int32_t tile = 0; tile < inner; tile++) {
    for (int32_t k = 0; k < TILE; k++) {
      sum += a[k] * b[k];
    }
    a += a_step;
    b += b_step;
  }
  return sum;
}

/// What 26 bits hold.
static inline int32_t tile_wrap(int64_t sum) {
  return (int32_t)(((uint32_t)(uint64_t)sum + (UINT32_C(1) << 25)) & ((UINT32_C(1) << 26) - 1)) -
         (1 << 25);
}

static inline int32_t tile_scale(int64_t sum, int32_t multiplier, int32_t shift, int32_t add) {
  const int64_t half = ((int64_t)1 << shift) >> 1;
  const int64_t scaled = tw_shift_right_64(sum * multiplier + half, shift);
  const int32_t near_enough = (int32_t)(scaled > 512 ? 512 : scaled < -512 ? -512 : scaled);
  return tw_clip(near_enough + add, -128, 127);
}

/// The 24-bit number at a place.
static inline int32_t tile_bias(const uint8_t *bias, int32_t index) {
  const uint8_t *const at = bias + 3 * index;
  const int32_t low = at[0] | at[1] << 8 | at[2] << 16;
  return low < 1 << 23 ? low : low - (1 << 24);
}

/// A requantised sum under the call's curve.
static inline int32_t tile_curve(const tile_product_args *a, int32_t q) {
  if (a->curve == 0) {
    return q;
  }
  int32_t value = tw_max(q, 0);
  if (a->curve == 1) {
    const int32_t t = tw_min(q < 0 ? -q : q, -a->b) + a->b;
    const int32_t bent = t * t + a->c;
    value = tile_wrap((int64_t)q * ((q < 0 ? -bent : bent) + a->c));
  }
  return tile_scale(value, a->curve_multiplier, a->curve_shift, a->curve_add);
}

/// Rows of output tiles, each as one item; `r` is null where nothing is added.
static inline void tile_product_rows(const tile_product_args *a, const int8_t *r, const int8_t *d,
                                     tw_work work) {
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item % TILE, tile = item / TILE;
    const int32_t column = tile % a->columns, line = tile / a->columns;
    const int8_t *const x = a->x + line * a->inner * TILE_BYTES + row * TILE;
    const int8_t *const w = a->w + column * a->inner * TILE_BYTES;
    const uint8_t *const bias = a->bias + 3 * TILE * (a->by_row != 0 ? line : column);
    for (int32_t c = 0; c < TILE; c++) {
      int64_t sum = tile_dot(x, w + c * TILE, a->inner, TILE_BYTES, TILE_BYTES);
      if (r != 0) {
        sum += tile_dot(r + item * TILE, d + column * TILE_BYTES + c * TILE, 1, 0, 0);
      }
      sum += tile_bias(bias, a->by_row != 0 ? row : c);
      const int32_t q = tile_scale(tile_wrap(sum), a->multiplier, a->shift, a->add);
      a->y[item * TILE + c] = (int8_t)tile_curve(a, q);
    }
  }
}
