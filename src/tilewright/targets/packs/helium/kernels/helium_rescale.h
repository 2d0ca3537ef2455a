/// Four accumulators at a time to int8: tw_rescale of tw_arithmetic.h in vector registers.
#pragma once

#include <arm_mve.h>

#include "tilewright.h"
#include "tw_arithmetic.h"

/// Which instructions compute the rounding exactly; depends on the tables of a call. HELIUM_LEFT
/// and HELIUM_EVEN_WIDE are exact wherever the others of their rounding are.
typedef enum {
  HELIUM_UP,        // double, results below the zero point are clipped: ties may go up
  HELIUM_SIGNED,    // double, every shift to the right or none
  HELIUM_LEFT,      // double, any shift
  HELIUM_EVEN,      // half even, every shift 33 or more
  HELIUM_EVEN_WIDE, // half even, any shift
} helium_rescaling;

/// The cheapest exact way for tables of `count` shifts.
static inline helium_rescaling helium_choose(const int8_t *shift, int32_t count, int32_t zero,
                                             int32_t low, tw_rounding rounding) {
  int32_t largest = -128;
  for (int32_t i = 0; i < count; i += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
    largest = vmaxvq_p_s8((int8_t)largest, vldrbq_z_s8(shift + i, lanes), lanes);
  }
  if (rounding == TW_ROUND_HALF_EVEN) {
    return largest < 0 ? HELIUM_EVEN : HELIUM_EVEN_WIDE;
  }
  if (largest > 0) {
    return HELIUM_LEFT;
  }
  return low >= zero ? HELIUM_UP : HELIUM_SIGNED;
}

/// x / 2**-shift, ties away from zero; shift <= 0. VRSHL alone takes ties up: negative numbers are
/// made one smaller first, except where nothing is shifted out.
static inline int32x4_t helium_shift_away(int32x4_t x, int32x4_t shift) {
  const int32x4_t minus_one_if_negative = vshrq_n_s32(vandq_s32(x, shift), 31);
  return vrshlq_s32(vaddq_s32(x, minus_one_if_negative), shift);
}

/// acc * multiplier / 2**(32 - shift), ties to even; shift < 0. The low word of the product matters
/// only where it is zero: then a tie would round up to an odd number, so one is taken off wherever
/// the quotient is even. (32 leading zeros, bit 5 of their
/// count, mean zero.)
static inline int32x4_t helium_shift_even(int32x4_t acc, int32x4_t multiplier, int32x4_t shift) {
  const int32x4_t top = vmulhq_s32(acc, multiplier);
  const int32x4_t is_whole = vshrq_n_s32(vclzq_s32(vmulq_s32(acc, multiplier)), 5);
  const int32x4_t is_tie_down = vbicq_s32(is_whole, vshlq_s32(top, shift));
  return vrshlq_s32(vsubq_s32(top, is_tie_down), shift);
}

/// The same for any shift. Where it is none or to the left, the quotient has bits of the low word,
/// the rest of which is the fraction: more than a half, or a half above an odd number, goes up.
static inline int32x4_t helium_shift_even_wide(int32x4_t acc, int32x4_t multiplier,
                                               int32x4_t shift) {
  const int32x4_t top = vmulhq_s32(acc, multiplier);
  const uint32x4_t low = vreinterpretq_u32_s32(vmulq_s32(acc, multiplier));
  const uint32x4_t upper = vreinterpretq_u32_s32(vshlq_s32(top, shift));
  const uint32x4_t whole = vorrq_u32(upper, vshlq_u32(low, vsubq_n_s32(shift, 32)));
  const uint32x4_t is_even = vbicq_u32(vdupq_n_u32(1), whole);
  const uint32x4_t up = vshrq_n_u32(vqsubq_u32(vshlq_u32(low, shift), is_even), 31);
  const int32x4_t left = vreinterpretq_s32_u32(vaddq_u32(whole, up));
  return vpselq_s32(left, helium_shift_even(acc, multiplier, shift), vcmpgeq_n_s32(shift, 0));
}

/// tw_rescale of four accumulators. `how` must be a constant.
static inline int32x4_t helium_rescale(int32x4_t acc, int32x4_t multiplier, int32x4_t shift,
                                       helium_rescaling how) {
  switch (how) {
  case HELIUM_UP:
    return vrshlq_s32(vqrdmulhq_s32(acc, multiplier), shift);
  case HELIUM_SIGNED:
    return helium_shift_away(vqrdmulhq_s32(acc, multiplier), shift);
  case HELIUM_LEFT: {
    const int32x4_t none = vdupq_n_s32(0);
    const int32x4_t wide = vshlq_s32(acc, vmaxq_s32(shift, none));
    return helium_shift_away(vqrdmulhq_s32(wide, multiplier), vminq_s32(shift, none));
  }
  case HELIUM_EVEN:
    return helium_shift_even(acc, multiplier, shift);
  case HELIUM_EVEN_WIDE:
    return helium_shift_even_wide(acc, multiplier, shift);
  }
  return acc;
}
