/// From accumulators to bytes, with what XpulpV2 has for it. The meaning is tw_rescale of
/// tw_arithmetic.h.
#pragma once

#include "tw_arithmetic.h"
#include "xpulp.h"

enum {
  XP_SLOW = 64, // added to shifts that the short form cannot do, before they become negative
};

/// What all channels of a layer share.
typedef struct {
  int32_t low, high;   // clip range before y_zero is added
  int32_t zeros;       // y_zero in four bytes
  int32_t is_positive; // low >= 0: results below zero need not be exact
} xp_output;

static inline xp_output xp_output_of(int32_t low, int32_t high, int32_t y_zero) {
  return (xp_output){low - y_zero, high - y_zero, (y_zero & 0xff) * 0x01010101, low >= y_zero};
}

/// One accumulator, y_zero not yet added, not yet clipped.
///
/// TW_ROUND_DOUBLE   `bits` is the right shift + 1, at least 2. t holds the product / 2**30, so
/// that
///                   the two roundings are ((t + 1) / 2 + half + (-1 below zero)) / 2**right, which
///                   is one addition and one shift of t: floors of floors are floors.
///                   |acc| < 2**29.
/// TW_ROUND_HALF_EVEN  `bits` is the shift - 32, at least 1: only the product's upper word is
/// shifted,
///                   half of an even result's step goes down where the lower word is zero.
/// TW_ROUND_HALF_UP  `bits` is the shift.
static inline int32_t xp_rescale(int32_t acc, int32_t multiplier, int32_t bits,
                                 tw_rounding rounding, int32_t is_positive) {
  if (rounding == TW_ROUND_DOUBLE) {
    const int32_t t = xp_mulh((int32_t)((uint32_t)acc << 2), multiplier);
    return p_addrn(t, is_positive ? 1 : t >> 31 | 1, bits);
  }
  if (rounding == TW_ROUND_HALF_UP) {
    return p_addrn(tw_wrapping_multiply(acc, multiplier), 0, bits);
  }
  const int64_t product = (int64_t)acc * multiplier;
  const int32_t upper = (int32_t)(product >> 32);
  const int32_t is_tie = ((int32_t)product | (upper >> bits & 1)) == 0;
  return p_addrn(upper - is_tie, 0, bits);
}

/// The same for any shift: those that the short form cannot do are stored below zero.
static inline int32_t xp_rescale_any(int32_t acc, int32_t multiplier, int32_t bits,
                                     tw_rounding rounding) {
  if (bits < 0) {
    return tw_rescale(acc, multiplier, -1 - bits - XP_SLOW, rounding);
  }
  return xp_rescale(acc, multiplier, bits, rounding, 0);
}

static inline int32_t xp_clip(int32_t x, const xp_output *out, int32_t is_positive) {
  if (is_positive && out->low == 0) {
    return p_clipu(x, out->high);
  }
  return p_min(p_max(x, out->low), out->high);
}
