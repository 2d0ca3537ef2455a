/// Integer arithmetic that every compiler and machine computes alike: the C side of
/// src/tilewright/ops/rescale.py, bit for bit.
#pragma once

#include <stdint.h>

/// How accumulators become stored integers; one per arithmetic contract.
typedef enum {
  TW_ROUND_DOUBLE,    // tflite: doubling high multiply, then a rounding shift
  TW_ROUND_HALF_EVEN, // onnx: one rounding of the exact product, ties to even
  TW_ROUND_HALF_UP,   // pulp: multiply, add half, shift, all in int32; modulo 2**32
} tw_rounding;

static inline int32_t tw_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t tw_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t tw_clip(int32_t x, int32_t low, int32_t high) {
  return tw_min(tw_max(x, low), high);
}

/// Floor of x / 2**bits. C leaves >> of a negative number to the implementation (6.5.7 p5); this
/// is defined for every compiler, and GCC and Clang make it one instruction.
static inline int32_t tw_shift_right(int32_t x, int32_t bits) {
  return x < 0 ? ~(~x >> bits) : x >> bits;
}
static inline int64_t tw_shift_right_64(int64_t x, int32_t bits) {
  return x < 0 ? ~(~x >> bits) : x >> bits;
}

/// a + b and a * b modulo 2**32. (Overflow of a signed number is undefined.)
static inline int32_t tw_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}
static inline int32_t tw_wrapping_multiply(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a * (uint32_t)b);
}

/// x * 2**bits; the caller promises that the result fits. (<< of a negative number is undefined.)
static inline int32_t tw_shift_left(int32_t x, int32_t bits) {
  return (int32_t)((uint32_t)x << bits);
}

/// a * b / 2**31 to nearest (gemmlowp SaturatingRoundingDoublingHighMul). gemmlowp adds 2**30, or
/// 1 - 2**30 below zero, and truncates towards zero: for every product that is the floor of
/// (product + 2**30) / 2**31. Only bits 31 to 62 matter, so the shift may be a logical one.
/// Tilewright's multipliers are never -2**31, so saturation cannot occur.
static inline int32_t tw_doubling_high_multiply(int32_t a, int32_t b) {
  const int64_t nudged = (int64_t)a * b + ((int64_t)1 << 30);
  return (int32_t)(uint32_t)((uint64_t)nudged >> 31);
}

/// x / 2**bits, ties away from zero (gemmlowp RoundingDivideByPOT). 0 <= bits <= 31.
static inline int32_t tw_rounding_shift_right(int32_t x, int32_t bits) {
  const int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1);
  const int32_t threshold = (mask >> 1) + (x < 0);
  return tw_shift_right(x, bits) + ((x & mask) > threshold);
}

/// acc * multiplier / 2**shift as `rounding` says; see ops/rescale.py for the ranges.
/// Call it with a constant `rounding`: the compiler then keeps one branch.
static inline int32_t tw_rescale(int32_t acc, int32_t multiplier, int32_t shift,
                                 tw_rounding rounding) {
  if (rounding == TW_ROUND_DOUBLE) {
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return tw_rounding_shift_right(tw_doubling_high_multiply(tw_shift_left(acc, left), multiplier),
                                   right);
  }
  if (rounding == TW_ROUND_HALF_EVEN) {
    const int64_t product = (int64_t)acc * multiplier;
    const int64_t half = (int64_t)1 << (shift - 1); // shift >= 1
    const int64_t odd = tw_shift_right_64(product, shift) & 1;
    return (int32_t)tw_shift_right_64(product + half - 1 + odd, shift);
  }
  const int32_t half = (int32_t)(((int64_t)1 << shift) >> 1);
  return tw_shift_right(tw_wrapping_add(tw_wrapping_multiply(acc, multiplier), half), shift);
}
