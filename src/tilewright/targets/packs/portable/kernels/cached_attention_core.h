/// Attention over cached keys and values, without the two loops that machines have their own way
/// for; the meaning is CachedAttention in src/tilewright/ops/llm/attention.py.
#pragma once

#include <string.h>

#include "scaled_row.h"
#include "tilewright.h"

enum { ATTENTION_SCORE_SHIFT = 7, ATTENTION_RECIPROCAL_BITS = 38 };

/// floor(2**38 / 127)
static const uint32_t ATTENTION_RECIPROCAL_OF_127 = 2164392968u;

/// What all heads of a call have in common.
typedef struct {
  const int8_t *q, *k, *v;
  const int16_t *powers;
  int16_t *y;
  int32_t rows, known, heads, kv_heads, head_dim;
  int32_t multiplier, shift, value_shift;
} attention_call;

/// The loops that machines have their own way for. Constants: compilers put them in place.
///   dot  the sum of products of n bytes
///   mix  mixed[i] = sum of weight[j] * v[j * width + i], i < size; j < count
typedef struct {
  int32_t (*dot)(const int8_t *a, const int8_t *b, int32_t n);
  void (*mix)(const int32_t *weight, int32_t count, const int8_t *v, int32_t width, int32_t size,
              int32_t *mixed);
} attention_loops;

/// Without it, compilers that save bytes call through pointers.
#define ATTENTION_INLINE static inline __attribute__((always_inline))

static inline int32_t attention_factor(const int8_t *at) {
  int16_t factor;
  memcpy(&factor, at, sizeof factor);
  return factor;
}

/// score[j], how well key j answers; the largest comes back. `k` is one head of the first key, its
/// factor lies `behind` bytes further on.
ATTENTION_INLINE int32_t attention_scores(attention_loops loops, const int8_t *q, const int8_t *k,
                                          int32_t width, int32_t behind, int32_t size, int32_t seen,
                                          int32_t *score) {
  int32_t peak = INT32_MIN;
  for (int32_t j = 0; j < seen; j++, k += width) {
    const int32_t sum = loops.dot(q, k, size);
    const int64_t product = (int64_t)sum * attention_factor(k + behind);
    // The result has 32 bits, so what a shift of the sign would bring in is cut off.
    const uint64_t rounded = (uint64_t)product + (1u << (ATTENTION_SCORE_SHIFT - 1));
    score[j] = (int32_t)(uint32_t)(rounded >> ATTENTION_SCORE_SHIFT);
    peak = tw_max(peak, score[j]);
  }
  return peak;
}

/// 2**15 times 2 to the power of minus (behind * slope / 2**shift) / 256; 0 where it is below 1.
static inline uint32_t attention_power(const attention_call *a, uint32_t behind, uint32_t slope,
                                       uint64_t half) {
  const uint64_t product = (uint64_t)behind * slope + half;
  const uint64_t log =
      a->shift >= 32 ? (uint32_t)(product >> 32) >> (a->shift - 32) : product >> a->shift;
  return log < TW_FACTOR_BITS << 8 ? (uint32_t)a->powers[log & 255] >> (log >> 8) : 0;
}

/// Scores become weights of values; the sum of numerators comes back. `factor`: of the first value.
static inline uint32_t attention_weights(const attention_call *a, const int8_t *factor,
                                         int32_t width, uint32_t slope, int32_t peak, int32_t seen,
                                         int32_t *score) {
  const uint64_t half = ((uint64_t)1 << a->shift) >> 1;
  // Products have 30 bits: shifted by more than that, nothing is left of them.
  const int32_t bits = tw_min(a->value_shift, 31);
  const uint32_t value_half = ((uint32_t)1 << bits) >> 1;
  uint32_t total = 0;
  for (int32_t j = 0; j < seen; j++, factor += width) {
    const uint32_t behind = (uint32_t)peak - (uint32_t)score[j];
    const uint32_t p = attention_power(a, behind, slope, half);
    total += p;
    score[j] = (int32_t)((p * (uint32_t)attention_factor(factor) + value_half) >> bits);
  }
  return total;
}

/// What a head says, from weighted values and the sum of their numerators.
static inline void attention_finish(const attention_call *a, const int32_t *mixed, uint32_t total,
                                    int16_t *y) {
  const int32_t excess = tw_max(tw_bit_length(total) - TW_FACTOR_BITS, 0);
  const int64_t reciprocal = ATTENTION_RECIPROCAL_OF_127 / (total >> excess);
  const int32_t shift = ATTENTION_RECIPROCAL_BITS - a->value_shift + excess;
  for (int32_t i = 0; i < a->head_dim; i++) {
    y[i] = tw_saturated(tw_rounded_64(mixed[i] * reciprocal, shift));
  }
}

ATTENTION_INLINE void attention_head(attention_loops loops, const attention_call *a, int32_t item,
                                     int32_t *scratch) {
  const int32_t size = a->head_dim, row = item / a->heads, head = item % a->heads;
  const int32_t kv_head = head / (a->heads / a->kv_heads);
  const int32_t seen = a->known - a->rows + row + 1;
  const int32_t width = a->kv_heads * (size + TW_HEAD_FACTOR_BYTES);
  const int32_t at = kv_head * size;
  const int32_t behind = a->kv_heads * size + kv_head * TW_HEAD_FACTOR_BYTES;
  const int8_t *const queries = a->q + row * a->heads * (size + TW_HEAD_FACTOR_BYTES);
  int32_t *const mixed = scratch, *const score = scratch + size;
  const int32_t peak = attention_scores(loops, queries + head * size, a->k + at, width, behind - at,
                                        size, seen, score);
  const int8_t *const factor = queries + a->heads * size + head * TW_HEAD_FACTOR_BYTES;
  const uint32_t slope = (uint32_t)(attention_factor(factor) * a->multiplier);
  const uint32_t total = attention_weights(a, a->v + behind, width, slope, peak, seen, score);
  loops.mix(score, seen, a->v + at, width, size, mixed);
  attention_finish(a, mixed, total, a->y + item * size);
}

ATTENTION_INLINE void attention_heads(attention_loops loops, const attention_call *a,
                                      tw_work work) {
  for (int32_t item = work.start; item < work.stop; item++) {
    attention_head(loops, a, item, work.scratch);
  }
}
