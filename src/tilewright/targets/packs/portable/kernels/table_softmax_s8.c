/// Softmax row by row, each copied to scratch before it is written over.
#include <string.h>

#include "table_softmax_s8.h"
#include "tw_arithmetic.h"

/// product / 2**shift, rounded once; 0 <= product < 2**62, 1 <= shift <= 62.
static inline int32_t table_softmax_round(int64_t product, int32_t shift, tw_rounding rounding) {
  const int64_t half = (int64_t)1 << (shift - 1);
  const int64_t odd = (product >> shift) & 1;
  const int64_t up = rounding == TW_ROUND_HALF_UP ? half : half - 1 + odd;
  return (int32_t)((product + up) >> shift);
}

/// multiplier * 2**bits / sum, rounded down, digit by digit: cores divide words, and a division of
/// two words is a long function. multiplier >= 0, sum > 0.
static inline int64_t table_softmax_factor(int32_t multiplier, int32_t bits, int32_t sum) {
  const uint32_t divisor = (uint32_t)sum;
  int32_t spare = 0; // bits that a remainder has room for
  while ((divisor << spare & 0x80000000u) == 0) {
    ++spare;
  }
  uint32_t rest = (uint32_t)multiplier % divisor;
  uint64_t factor = (uint32_t)multiplier / divisor;
  while (bits > 0) {
    const int32_t digit = tw_min(bits, spare);
    rest <<= digit;
    factor = factor << digit | rest / divisor;
    rest %= divisor;
    bits -= digit;
  }
  return (int64_t)factor;
}

static inline void table_softmax_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const table_softmax_s8_args *const a = args;
  const int32_t length = a->length, shift = a->shift + a->bits;
  int8_t *const x = work.scratch;
  for (int32_t row = work.start; row < work.stop; row++) {
    memcpy(x, a->x + row * length, (size_t)length);
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < length; i++) {
      largest = tw_max(largest, x[i]);
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < length; i++) {
      sum += a->table[largest - x[i]];
    }
    const int64_t factor = table_softmax_factor(a->multiplier, a->bits, sum);
    int8_t *const y = a->y + row * length;
    for (int32_t i = 0; i < length; i++) {
      const int64_t product = a->table[largest - x[i]] * factor;
      const int32_t scaled = table_softmax_round(product, shift, rounding) + a->y_zero;
      y[i] = (int8_t)tw_clip(scaled, a->low, a->high);
    }
  }
}

void table_softmax_s8_half_even(const void *args, tw_work work) {
  table_softmax_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void table_softmax_s8_half_up(const void *args, tw_work work) {
  table_softmax_s8_core(args, work, TW_ROUND_HALF_UP);
}
