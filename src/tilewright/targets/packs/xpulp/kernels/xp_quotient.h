/// Many exact quotients by one divisor: one division for all, then products.
///
/// With l = ceil(log2 b) and factor = floor(2**(31 + l) / b) + 1, which is below 2**32, a / b is
/// the product's bits from 31 + l on, for every a below 2**31 (Granlund and Montgomery 1994,
/// "Division by invariant integers using multiplication", theorem 4.2).
#pragma once

#include "xpulp.h"

typedef struct {
  uint32_t factor;
  int32_t shift; // of the product's upper word
} xp_divisor;

/// Number of bits of x > 0: p.fl1 finds the position of the highest.
static inline int32_t xp_bits(uint32_t x) {
  int32_t out;
  __asm__(".insn r 0x33, 1, 0x08, %0, %1, x0" : "=r"(out) : "r"(x));
  return out + 1;
}

/// 2 <= b < 2**31. Two digits of sixteen bits, each too large by two at most before it is mended.
static inline xp_divisor xp_divisor_of(uint32_t b) {
  const int32_t l = xp_bits(b - 1);
  const int32_t up = 32 - xp_bits(b);
  const uint32_t divisor = b << up, upper = divisor >> 16, lower = divisor & 0xffff;
  // 2**(l - 1) is below b, so that quotients of 2**(31 + l) have 32 bits.
  uint32_t rest = (UINT32_C(1) << (l - 1)) << up;
  uint32_t factor = 0;
  for (int32_t digit = 0; digit < 2; ++digit) {
    uint32_t guess = rest / upper;
    uint32_t left = rest - guess * upper;
    while (guess > 0xffff || (left <= 0xffff && guess * lower > left << 16)) {
      --guess;
      left += upper;
    }
    rest = (rest << 16) - guess * divisor;
    factor = factor << 16 | guess;
  }
  return (xp_divisor){factor + 1, l - 1};
}

/// a / b; a < 2**31
static inline uint32_t xp_quotient(uint32_t a, xp_divisor by) {
  return (uint32_t)(((uint64_t)a * by.factor) >> 32) >> by.shift;
}
