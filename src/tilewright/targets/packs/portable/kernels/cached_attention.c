#include "cached_attention.h"

#include <string.h>

#include "scaled_row.h"

enum { SCORE_SHIFT = 7, RECIPROCAL_BITS = 38 };

/// floor(2**38 / 127)
static const uint32_t RECIPROCAL_OF_127 = 2164392968u;

/// The factor of head `head` of `heads` in a row.
static inline int32_t factor_of(const int8_t *row, int32_t heads, int32_t head, int32_t size) {
  int16_t factor;
  memcpy(&factor, row + heads * size + head * TW_HEAD_FACTOR_BYTES, sizeof factor);
  return factor;
}

/// score[j], how well key j answers; the largest comes back.
static inline int32_t scores(const cached_attention_args *a, const int8_t *q, int32_t head,
                             int32_t seen, int32_t *score) {
  const int32_t width = a->kv_heads * (a->head_dim + TW_HEAD_FACTOR_BYTES);
  int32_t peak = INT32_MIN;
  for (int32_t j = 0; j < seen; j++) {
    const int8_t *const row = a->k + j * width;
    const int8_t *const k = row + head * a->head_dim;
    int32_t sum = 0;
    for (int32_t i = 0; i < a->head_dim; i++) {
      sum += q[i] * k[i];
    }
    const int64_t product = (int64_t)sum * factor_of(row, a->kv_heads, head, a->head_dim);
    score[j] = (int32_t)tw_rounded_64(product, SCORE_SHIFT);
    peak = tw_max(peak, score[j]);
  }
  return peak;
}

/// 2**15 times 2 to the power of minus log / 256; 0 where it is below 1.
static inline uint32_t power(const int16_t *powers, uint64_t log) {
  return log < TW_FACTOR_BITS << 8 ? (uint32_t)powers[log & 255] >> (log >> 8) : 0;
}

static void attend(const cached_attention_args *a, int32_t row, int32_t head, int32_t *scratch) {
  const int32_t size = a->head_dim;
  const int32_t kv_head = head / (a->heads / a->kv_heads);
  const int32_t seen = a->known - a->rows + row + 1;
  const int32_t width = a->kv_heads * (size + TW_HEAD_FACTOR_BYTES);
  const int8_t *const queries = a->q + row * a->heads * (size + TW_HEAD_FACTOR_BYTES);
  int32_t *const mixed = scratch;
  int32_t *const score = scratch + size;
  const int32_t peak = scores(a, queries + head * size, kv_head, seen, score);
  const int32_t slope = factor_of(queries, a->heads, head, size) * a->multiplier;
  memset(mixed, 0, (size_t)size * sizeof *mixed);
  uint32_t total = 0;
  for (int32_t j = 0; j < seen; j++) {
    const int64_t behind = (int64_t)peak - score[j];
    const uint32_t p = power(a->powers, (uint64_t)tw_rounded_64(behind * slope, a->shift));
    total += p;
    const int8_t *const values = a->v + j * width;
    const uint64_t product = (uint64_t)p * (uint32_t)factor_of(values, a->kv_heads, kv_head, size);
    const int32_t weight = (int32_t)tw_rounded_64((int64_t)product, a->value_shift);
    const int8_t *const v = values + kv_head * size;
    for (int32_t i = 0; i < size && weight; i++) {
      mixed[i] += weight * v[i];
    }
  }
  const int32_t excess = tw_max(tw_bit_length(total) - TW_FACTOR_BITS, 0);
  const int64_t reciprocal = RECIPROCAL_OF_127 / (total >> excess);
  const int32_t shift = RECIPROCAL_BITS - a->value_shift + excess;
  int16_t *const y = a->y + (row * a->heads + head) * size;
  for (int32_t i = 0; i < size; i++) {
    y[i] = tw_saturated(tw_rounded_64(mixed[i] * reciprocal, shift));
  }
}

void cached_attention(const void *args, tw_work work) {
  const cached_attention_args *const a = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    attend(a, item / a->heads, item % a->heads, work.scratch);
  }
}
