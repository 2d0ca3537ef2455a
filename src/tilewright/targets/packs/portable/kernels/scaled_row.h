/// Rows of int8 that carry their own factor; the meaning is src/tilewright/ops/llm/rows.py.
#pragma once

#include "tw_arithmetic.h"

enum { TW_ROW_FACTOR_BYTES = 4, TW_HEAD_FACTOR_BYTES = 2, TW_FACTOR_BITS = 15 };

/// x / 2**bits, half up. bits in [0, 30], and x + 2**(bits - 1) fits.
static inline int32_t tw_rounded(int32_t x, int32_t bits) {
  return tw_shift_right(x + (int32_t)(((uint32_t)1 << bits) >> 1), bits);
}

/// The same in 64 bits; bits in [0, 62].
static inline int64_t tw_rounded_64(int64_t x, int32_t bits) {
  return tw_shift_right_64(x + (int64_t)(((uint64_t)1 << bits) >> 1), bits);
}

/// Clipped to 15 bits and a sign.
static inline int16_t tw_saturated(int64_t x) {
  return (int16_t)(x < -32767 ? -32767 : x > 32767 ? 32767 : x);
}

/// Bits of a number; 0 for 0.
static inline int32_t tw_bit_length(uint32_t x) {
  int32_t bits = 0;
  for (int32_t step = 16; step > 0; step >>= 1) {
    if (x >> step) {
      x >>= step;
      bits += step;
    }
  }
  return bits + (x ? 1 : 0);
}

/// wide[n], magnitudes of at most 2**30, as y[n] and a factor M > 0: wide is about y * M / 127.
static inline int32_t tw_scale_row(const int32_t *wide, int32_t n, int8_t *y) {
  int32_t peak = 1;
  for (int32_t i = 0; i < n; i++) {
    peak = tw_max(peak, wide[i] < 0 ? -wide[i] : wide[i]);
  }
  const int32_t excess = tw_max(tw_bit_length((uint32_t)peak) - TW_FACTOR_BITS, 0);
  const int32_t factor = tw_rounded(peak, excess);
  const int32_t reciprocal = ((int32_t)127 << 24) / factor;
  for (int32_t i = 0; i < n; i++) {
    y[i] = (int8_t)tw_rounded(tw_rounded(wide[i], excess) * reciprocal, 24);
  }
  return tw_shift_left(factor, excess);
}
