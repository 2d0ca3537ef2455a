/// Four int8 in one word, the first the least significant: what pooling, sums and products by
/// element do with them.
#pragma once

#include "dsp_words.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/// Both int16 of `sums` plus bytes 0 and 2.
DSP_INLINE uint32_t dsp_add_even(uint32_t sums, uint32_t bytes) {
  uint32_t made;
  __asm__("sxtab16 %0, %1, %2" : "=r"(made) : "r"(sums), "r"(bytes));
  return made;
}

/// Both int16 of `sums` plus bytes 1 and 3.
DSP_INLINE uint32_t dsp_add_odd(uint32_t sums, uint32_t bytes) {
  uint32_t made;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(made) : "r"(sums), "r"(bytes));
  return made;
}

/// The larger of each two bytes.
DSP_INLINE uint32_t dsp_larger(uint32_t a, uint32_t b) {
  uint32_t made;
  __asm__("ssub8 %0, %1, %2\n\t"
          "sel %0, %1, %2"
          : "=&r"(made)
          : "r"(a), "r"(b)
          : "cc");
  return made;
}

/// A byte plus a number.
DSP_INLINE int32_t dsp_add_byte_0(int32_t addend, uint32_t bytes) {
  int32_t sum;
  __asm__("sxtab %0, %1, %2" : "=r"(sum) : "r"(addend), "r"(bytes));
  return sum;
}
DSP_INLINE int32_t dsp_add_byte_1(int32_t addend, uint32_t bytes) {
  int32_t sum;
  __asm__("sxtab %0, %1, %2, ror #8" : "=r"(sum) : "r"(addend), "r"(bytes));
  return sum;
}
DSP_INLINE int32_t dsp_add_byte_2(int32_t addend, uint32_t bytes) {
  int32_t sum;
  __asm__("sxtab %0, %1, %2, ror #16" : "=r"(sum) : "r"(addend), "r"(bytes));
  return sum;
}
DSP_INLINE int32_t dsp_add_byte_3(int32_t addend, uint32_t bytes) {
  int32_t sum;
  __asm__("sxtab %0, %1, %2, ror #24" : "=r"(sum) : "r"(addend), "r"(bytes));
  return sum;
}

/// The upper half of the product of a and b.
DSP_INLINE int32_t dsp_high(int32_t a, int32_t b) {
  int32_t high;
  __asm__("smmul %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
  return high;
}

/// acc + the upper half of the product of a and b.
DSP_INLINE int32_t dsp_add_high(int32_t acc, int32_t a, int32_t b) {
  int32_t sum;
  __asm__("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}

/// Clipped to int8.
DSP_INLINE int32_t dsp_saturate(int32_t x) {
  int32_t y;
  __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(x) : "cc");
  return y;
}

#else

static inline uint32_t dsp_add_even(uint32_t sums, uint32_t bytes) {
  const uint32_t pair = dsp_even(bytes);
  return ((sums + pair) & 0xFFFF) | ((sums & 0xFFFF0000) + (pair & 0xFFFF0000));
}

static inline uint32_t dsp_add_odd(uint32_t sums, uint32_t bytes) {
  return dsp_add_even(sums, bytes >> 8);
}

static inline int32_t dsp_add_byte_0(int32_t addend, uint32_t bytes) {
  return addend + (int8_t)(uint8_t)bytes;
}
static inline int32_t dsp_add_byte_1(int32_t addend, uint32_t bytes) {
  return dsp_add_byte_0(addend, bytes >> 8);
}
static inline int32_t dsp_add_byte_2(int32_t addend, uint32_t bytes) {
  return dsp_add_byte_0(addend, bytes >> 16);
}
static inline int32_t dsp_add_byte_3(int32_t addend, uint32_t bytes) {
  return dsp_add_byte_0(addend, bytes >> 24);
}

static inline uint32_t dsp_larger(uint32_t a, uint32_t b) {
  uint32_t made = 0;
  for (int32_t i = 0; i < 32; i += 8) {
    const uint32_t from = dsp_add_byte_0(0, a >> i) > dsp_add_byte_0(0, b >> i) ? a : b;
    made |= from & (uint32_t)0xFF << i;
  }
  return made;
}

static inline int32_t dsp_high(int32_t a, int32_t b) {
  return (int32_t)(uint32_t)((uint64_t)((int64_t)a * b) >> 32);
}

static inline int32_t dsp_add_high(int32_t acc, int32_t a, int32_t b) {
  return acc + dsp_high(a, b);
}

static inline int32_t dsp_saturate(int32_t x) { return x < -128 ? -128 : x > 127 ? 127 : x; }

#endif

/// Sums of four neighbouring bytes: elements 0 and 2, and 1 and 3, as int16.
typedef struct {
  uint32_t even, odd;
} dsp_sums;

enum { DSP_MOST_SUMMED = 256 }; // int8 whose sum fits in int16, whatever they are

/// The first sum; the next one becomes the first.
static inline int32_t dsp_next_sum(dsp_sums *sums) {
  const uint32_t first = sums->even;
  sums->even = sums->odd;
  sums->odd = first >> 16;
  return (int16_t)(uint16_t)first;
}

/// Adds `count` > 0 words that lie `step` bytes apart.
static inline dsp_sums dsp_sum_column(dsp_sums sums, const int8_t *x, int32_t count, int32_t step) {
  do {
    const uint32_t bytes = dsp_load(x);
    sums.even = dsp_add_even(sums.even, bytes);
    sums.odd = dsp_add_odd(sums.odd, bytes);
    x += step;
  } while (--count > 0);
  return sums;
}

/// Four bytes to any address.
static inline void dsp_store(int8_t *y, uint32_t bytes) { memcpy(y, &bytes, sizeof bytes); }
