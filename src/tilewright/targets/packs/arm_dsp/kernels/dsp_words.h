/// Two int16 in one word: the instructions of the Armv7E-M DSP extension, and what they mean for a
/// compiler without them. A pair's first value is the low half of its word.
#pragma once

#include <stdint.h>
#include <string.h>

/// Four bytes from any address; the first is the least significant.
static inline uint32_t dsp_load(const int8_t *x) {
  uint32_t word;
  memcpy(&word, x, sizeof word);
  return word;
}

/// The loops in assembly need every register but the stack pointer: the frame pointer's too, which
/// compilers keep where they do not optimise.
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__OPTIMIZE__)
#define DSP_ASSEMBLY 1
#else
#define DSP_ASSEMBLY 0
#endif

/// For what hardly ever runs.
#if defined(__GNUC__)
#define DSP_RARE __attribute__((noinline, cold))
#else
#define DSP_RARE
#endif

/// For what is long and called from several places.
#if defined(__GNUC__)
#define DSP_TILE __attribute__((noinline))
#else
#define DSP_TILE
#endif

/// For what inner loops are made of, and assembly that wants one of its arguments as a constant.
#if defined(__GNUC__)
#define DSP_INLINE static inline __attribute__((always_inline))
#else
#define DSP_INLINE static inline
#endif

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/// Bytes 0 and 2 of `x`, widened.
static inline uint32_t dsp_even(uint32_t x) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(x));
  return pair;
}

/// Bytes 1 and 3 of `x`, widened.
static inline uint32_t dsp_odd(uint32_t x) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(x));
  return pair;
}

/// acc + the products of both values, modulo 2**32.
static inline int32_t dsp_both(uint32_t x, uint32_t w, int32_t acc) {
  int32_t sum;
  __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(x), "r"(w), "r"(acc));
  return sum;
}

/// acc + the product of the first values.
static inline int32_t dsp_first(uint32_t x, uint32_t w, int32_t acc) {
  int32_t sum;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(sum) : "r"(x), "r"(w), "r"(acc));
  return sum;
}

/// acc + the product of the second values.
static inline int32_t dsp_second(uint32_t x, uint32_t w, int32_t acc) {
  int32_t sum;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(sum) : "r"(x), "r"(w), "r"(acc));
  return sum;
}

#else

static inline int32_t dsp_low_half(uint32_t x) { return (int16_t)(uint16_t)x; }
static inline int32_t dsp_high_half(uint32_t x) { return (int16_t)(uint16_t)(x >> 16); }

static inline uint32_t dsp_even(uint32_t x) {
  return (uint16_t)(int8_t)(uint8_t)x | (uint32_t)(uint16_t)(int8_t)(uint8_t)(x >> 16) << 16;
}

static inline uint32_t dsp_odd(uint32_t x) { return dsp_even(x >> 8); }

static inline int32_t dsp_first(uint32_t x, uint32_t w, int32_t acc) {
  return (int32_t)((uint32_t)acc + (uint32_t)(dsp_low_half(x) * dsp_low_half(w)));
}

static inline int32_t dsp_second(uint32_t x, uint32_t w, int32_t acc) {
  return (int32_t)((uint32_t)acc + (uint32_t)(dsp_high_half(x) * dsp_high_half(w)));
}

static inline int32_t dsp_both(uint32_t x, uint32_t w, int32_t acc) {
  return dsp_second(x, w, dsp_first(x, w, acc));
}

#endif
