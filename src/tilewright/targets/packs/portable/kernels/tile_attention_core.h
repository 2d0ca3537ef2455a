/// Attention on matrices in tiles, with or without a mask.
#pragma once

#include "tile_core.h"

enum { GROUP = 16, ONE = 256, FULL = 255 * 256, MOST_HALVINGS = 31 };

/// A number that is halved as often as a distance between logits says.
static inline int32_t halved(const tile_attention_args *a, int32_t value, int32_t distance) {
  const int32_t half = (1 << a->softmax_shift) >> 1;
  return value >> tw_min((distance + half) >> a->softmax_shift, MOST_HALVINGS);
}

/// Logits of one query; what its softmax has for the largest one, which it returns.
static inline int32_t weigh(const tile_attention_args *a, const uint8_t *mask, const int8_t *q,
                            const int8_t *k, int8_t *logits, int32_t *inverse) {
  const int32_t whole = a->heads * a->depth * TILE_BYTES;
  int32_t largest = -128, total = 0;
  for (int32_t group = 0; group < a->keys * TILE; group += GROUP) {
    const int8_t *const keys = k + group / TILE * whole + group % TILE * TILE;
    int32_t grown = largest;
    for (int32_t i = 0; i < GROUP; i++) {
      const int32_t product = tile_dot(q, keys + i * TILE, a->depth, TILE_BYTES, TILE_BYTES);
      const int32_t sum = product + (mask != 0 ? tile_bias(mask, group + i) : 0);
      logits[group + i] = (int8_t)tile_scale(tile_wrap(sum), a->multiplier, a->shift, a->add);
      grown = tw_max(grown, logits[group + i]);
    }
    total = halved(a, total, grown - largest);
    for (int32_t i = 0; i < GROUP; i++) {
      total += halved(a, ONE, grown - logits[group + i]);
    }
    largest = grown;
  }
  *inverse = FULL / total;
  return largest;
}

/// Rows of all heads' queries, each as one item; `mask` is null where there is none.
static inline void tile_attention_rows(const tile_attention_args *a, const uint8_t *mask,
                                       tw_work work) {
  int8_t *const logits = work.scratch;
  const int32_t head_bytes = a->depth * TILE_BYTES;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item % TILE, head = item / TILE % a->heads;
    const int32_t at = item / TILE * head_bytes + row * TILE;
    const int8_t *const v = a->v + head * a->keys * head_bytes;
    int32_t inverse;
    const int32_t largest = weigh(a, mask, a->q + at, a->k + head * head_bytes, logits, &inverse);
    for (int32_t c = 0; c < a->depth * TILE; c++) {
      const int8_t *const values = v + c / TILE * a->keys * TILE_BYTES + c % TILE * TILE;
      int32_t sum = 0;
      for (int32_t key = 0; key < a->keys * TILE; key++) {
        const int32_t weight = halved(a, inverse, largest - logits[key]);
        sum += weight * values[key / TILE * TILE_BYTES + key % TILE];
      }
      a->y[at + c / TILE * TILE_BYTES + c % TILE] =
          (int8_t)tile_scale(tile_wrap(sum), a->values_multiplier, a->values_shift, a->values_add);
    }
  }
}
