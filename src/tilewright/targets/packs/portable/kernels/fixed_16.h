/// Fixed-point functions in 16 bits: the C side of src/tilewright/ops/fixed_tflite.py, bit for bit.
#pragma once

#include "tw_arithmetic.h"

/// a * b / 2**15 to nearest, ties away from zero.
static inline int32_t multiply_16(int32_t a, int32_t b) {
  const int32_t product = a * b;
  const int32_t nudged = product + (product >= 0 ? 1 << 14 : 1 - (1 << 14));
  return tw_min(nudged / (1 << 15), INT16_MAX);
}

static inline int32_t saturated_16(int32_t x) { return tw_clip(x, INT16_MIN, INT16_MAX); }

/// exp(a) as Q0.15 for a in [-1/4, 0) as Q0.15.
static inline int32_t exp_near_zero_16(int32_t a) {
  const int32_t centre = 28918, third = 10923; // exp(-1/8), 1/3
  const int32_t x = a + (1 << 12);
  const int32_t x2 = multiply_16(x, x);
  const int32_t x3 = multiply_16(x2, x), x4 = multiply_16(x2, x2);
  const int32_t inner = multiply_16(tw_rounding_shift_right(x4, 2) + x3, third) + x2;
  const int32_t high = tw_rounding_shift_right(inner, 1);
  return saturated_16(centre + multiply_16(x + high, centre));
}

/// exp(a) as Q0.15 for a <= 0 with `integer_bits` integer bits.
static inline int32_t exp_16(int32_t a, int32_t integer_bits) {
  static const int16_t factors[7] = {25520, 19875, 12055, 4435, 600, 11, 0}; // exp(-2**(i - 2))
  const int32_t fraction_bits = 15 - integer_bits;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const int32_t below_zero = (a & (quarter - 1)) - quarter;
  const int32_t remainder = below_zero - a;
  int32_t result = exp_near_zero_16(tw_shift_left(below_zero, integer_bits));
  for (int32_t exponent = -2; exponent < tw_min(integer_bits, 5); exponent++) {
    if ((tw_shift_right(remainder, fraction_bits + exponent) & 1) != 0) {
      result = multiply_16(result, factors[exponent + 2]);
    }
  }
  if (integer_bits > 5 && a < -(32 << fraction_bits)) {
    result = 0;
  }
  return a == 0 ? INT16_MAX : result;
}

/// 2 / (1 + a) as Q2.13 for a in [0, 1] as Q0.15: three Newton steps.
static inline int32_t newton_16(int32_t a) {
  const int32_t half_denominator = (a + INT16_MAX + 1) >> 1;
  int32_t x = 23130 + multiply_16(half_denominator, -15420); // 48/17 - 32/17 * half
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = (1 << 13) - multiply_16(half_denominator, x);
    x += saturated_16(tw_shift_left(multiply_16(x, error), 2));
  }
  return x;
}

/// 1 / (1 + exp(-x)) as Q0.15.
static inline int32_t logistic_16(int32_t x, int32_t integer_bits) {
  if (x == 0) {
    return 1 << 14;
  }
  const int32_t e = exp_16(x < 0 ? x : -x, integer_bits);
  const int32_t above = saturated_16(tw_shift_left(newton_16(e), 1));
  return x > 0 ? above : INT16_MAX - above;
}

/// tanh(x) as Q0.15.
static inline int32_t tanh_16(int32_t x, int32_t integer_bits) {
  if (x == 0) {
    return 0;
  }
  const int32_t e = exp_16(x < 0 ? x : -x, integer_bits + 1);
  const int32_t size = saturated_16(tw_shift_left(newton_16(e) - (1 << 13), 2));
  return x > 0 ? size : -size;
}
