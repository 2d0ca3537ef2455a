/// What a norm makes of a token's sums.
#pragma once

#include "tile_core.h"
#include "tile_norm_s8.h"

enum { NORM_ROWS = TILE + 4, NORM_BYTES = NORM_ROWS * TILE, LARGEST_FACTOR = 127 };

/// The largest number whose square is no greater; value < 2^31.
static inline int32_t tile_root(int32_t value) {
  int32_t root = 0;
  for (int32_t bit = 1 << 30; bit != 0; bit >>= 2) {
    const int32_t with = root + bit;
    root >>= 1;
    if (value >= with) {
      value -= with;
      root += bit;
    }
  }
  return root;
}

/// Writes the factor and the bias of token `token` of a block; its diagonal's row holds zeros.
static inline void tile_norm_token(const tile_norm_factors_args *a, int32_t sum, int32_t squares,
                                   int8_t *block, int32_t token) {
  const int32_t mean = tw_shift_right(sum * a->reciprocal, 15);
  const int32_t square = (int32_t)((uint64_t)(uint32_t)squares * (uint32_t)a->reciprocal >> 17);
  const int32_t variance = tw_max(square - (mean * mean >> 10), 0);
  const int32_t deviation = tile_root(variance << 10);
  int32_t factor = LARGEST_FACTOR;
  if (deviation != 0) {
    factor = tw_min(((a->strength << 8) + (deviation >> 1)) / deviation, LARGEST_FACTOR);
  }
  const uint32_t bias = 0u - (uint32_t)tw_shift_right(mean * factor + 128, 8);
  block[token * (TILE + 1)] = (int8_t)factor;
  int8_t *const at = block + TILE * TILE + 3 * token;
  at[0] = (int8_t)(uint8_t)bias;
  at[1] = (int8_t)(uint8_t)(bias >> 8);
  at[2] = (int8_t)(uint8_t)(bias >> 16);
}
