/// Layer norm of matrices in tiles: what every token needs, and what comes of it. The meaning is in
/// src/tilewright/ops/tile_norm.py.
#pragma once

#include "tilewright.h"

/// y[blocks][68][64]: for 64 tokens each a tile with their factors on its diagonal, 64 biases of 24
/// bits, 64 zeros; from x[tiles][blocks][64][64], channels by tokens.
typedef struct {
  const int8_t *x;
  int8_t *y;
  int32_t tiles, blocks;
  int32_t reciprocal; // 2^23 by the number of channels
  int32_t strength;   // factor times deviation
} tile_norm_factors_args;

/// y[blocks][tiles][64][64] = scale(n[blocks] * x[tiles][blocks]^T + bias of n, by row).
typedef struct {
  const int8_t *n, *x;
  int8_t *y;
  int32_t tiles, blocks;
  int32_t multiplier, shift, add;
} tile_normed_args;

/// An item is a token.
void tile_norm_factors_s8(const void *args, tw_work work);
void tile_normed_s8(const void *args, tw_work work);
