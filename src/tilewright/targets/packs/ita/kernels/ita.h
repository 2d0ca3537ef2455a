/// Kernels of ITA: each starts a walk over jobs and returns while the engine works. Matrices lie in
/// tiles of 64 by 64 bytes, tile row by tile row; biases are 24-bit numbers. Members from `tiles`
/// to `activation` are the engine's registers, `contexts` how many jobs it takes ahead.
#pragma once

#include "tilewright.h"

/// y[rows][columns] = curve(scale(x[rows][inner] * w[columns][inner]^T + bias)), in tiles.
typedef struct {
  const int8_t *x, *w;
  const uint8_t *bias; // 192 bytes for each column of tiles, or for each row
  int8_t *y;
  int32_t rows, columns, inner;
  int32_t by_row; // whether biases belong to rows
  int32_t tiles, multipliers, multipliers_4, shifts, shifts_4, adds, adds_4;
  int32_t engine, gelu, activation;
  int32_t contexts;
} ita_product_args;

/// The same with r[rows][columns] * d[columns]^T in the sums, tile by tile.
typedef struct {
  const int8_t *x, *w;
  const uint8_t *bias;
  const int8_t *r, *d;
  int8_t *y;
  int32_t rows, columns, inner;
  int32_t by_row;
  int32_t tiles, multipliers, multipliers_4, shifts, shifts_4, adds, adds_4;
  int32_t engine, gelu, activation;
  int32_t contexts;
} ita_added_args;

/// For each head y[rows][heads][depth] = scale(softmax(scale(q[rows][heads][depth] *
/// k[keys][heads][depth]^T)) * v[heads][depth][keys]^T), in tiles; a row of logits lies in scratch.
typedef struct {
  const int8_t *q, *k, *v;
  int8_t *y;
  int32_t rows, heads, depth, keys;
  int32_t tiles, multipliers, multipliers_4, shifts, shifts_4, adds, adds_4;
  int32_t engine, gelu, activation;
  int32_t contexts;
} ita_attention_args;

/// The same with mask[64 * keys], biases of 24 bits, in the sums of logits.
typedef struct {
  const int8_t *q, *k, *v;
  const uint8_t *mask; // 192 bytes for each tile of keys
  int8_t *y;
  int32_t rows, heads, depth, keys;
  int32_t tiles, multipliers, multipliers_4, shifts, shifts_4, adds, adds_4;
  int32_t engine, gelu, activation;
  int32_t contexts;
} ita_masked_args;

/// y[blocks][columns] = scale(n[blocks] * x[columns][blocks]^T + bias), in tiles; a block of n is a
/// tile, its biases by row, and 64 bytes more.
typedef struct {
  const int8_t *n, *x;
  int8_t *y;
  int32_t blocks, columns;
  int32_t tiles, multipliers, multipliers_4, shifts, shifts_4, adds, adds_4;
  int32_t engine, gelu, activation;
  int32_t contexts;
} ita_normed_args;

void ita_product(const void *args, tw_work work);
void ita_product_added(const void *args, tw_work work);
void ita_attention(const void *args, tw_work work);
void ita_attention_masked(const void *args, tw_work work);
void ita_normed(const void *args, tw_work work);
