/// Products and attention on matrices in tiles of 64 by 64 bytes, in the arithmetic of ITA: see
/// src/tilewright/ops/tiles.py. Sums have 26 bits and wrap.
#pragma once

#include "tilewright.h"

/// y[rows][columns][64][64] = curve(scale(x[rows][inner] * w[columns][inner]^T + bias)). A scale:
/// multiplier 0..255, shift 0..34, what is added after it.
typedef struct {
  const int8_t *x, *w;
  const uint8_t *bias; // 192 bytes for each column of tiles, or for each row
  int8_t *y;
  int32_t rows, columns, inner;
  int32_t by_row; // whether biases belong to rows
  int32_t multiplier, shift, add;
  int32_t curve; // 0: none, 1: GELU with the constants b and c, 2: ReLU
  int32_t b, c;
  int32_t curve_multiplier, curve_shift, curve_add;
} tile_product_args;

/// The same with r[rows][columns] * d[columns]^T in the sums, tile by tile.
typedef struct {
  const int8_t *x, *w;
  const uint8_t *bias;
  const int8_t *r, *d;
  int8_t *y;
  int32_t rows, columns, inner;
  int32_t by_row;
  int32_t multiplier, shift, add;
  int32_t curve;
  int32_t b, c;
  int32_t curve_multiplier, curve_shift, curve_add;
} tile_added_args;

/// For each head y[rows][heads][depth] = values(softmax(logits(q[rows][heads][depth] *
/// k[keys][heads][depth]^T)) * v[heads][depth][keys]^T). Scratch: 64 * keys bytes.
typedef struct {
  const int8_t *q, *k, *v;
  int8_t *y;
  int32_t rows, heads, depth, keys;
  int32_t multiplier, shift, add;                      // of logits
  int32_t values_multiplier, values_shift, values_add; // of values
  int32_t softmax_shift;                               // 2 to this is a factor of two, in logits
} tile_attention_args;

/// The same with mask[64 * keys], numbers of 24 bits, in the sums of logits.
typedef struct {
  const int8_t *q, *k, *v;
  const uint8_t *mask; // 192 bytes for each tile of keys
  int8_t *y;
  int32_t rows, heads, depth, keys;
  int32_t multiplier, shift, add;
  int32_t values_multiplier, values_shift, values_add;
  int32_t softmax_shift;
} tile_masked_args;

/// An item is a row of an output tile.
void tile_product_s8(const void *args, tw_work work);
void tile_product_added_s8(const void *args, tw_work work);
/// An item is a row of a tile of all heads' queries, head by head.
void tile_attention_s8(const void *args, tw_work work);
void tile_attention_masked_s8(const void *args, tw_work work);
