/// From int32 accumulators to int8 in five to seven instructions, exactly as
/// src/tilewright/ops/rescale.py rounds.
///
/// The compiler has looked at the scale and at what it may meet (requantise.py, short_scale.py):
/// where that is within the range of the short sequences below, multiplier and shift are those of
/// the sequence. Elsewhere they are the operator's own, and marked: for dsp_rescale by a shift made
/// negative by DSP_RARE_DOUBLE or DSP_RARE_ONCE, for sums of products as dsp_finish.h says.
#pragma once

#include "dsp_words.h"
#include "tilewright.h"
#include "tw_arithmetic.h"

/// What is added to the shifts of channels that take the long way.
enum { DSP_RARE_DOUBLE = -64, DSP_RARE_ONCE = -128 };

/// What one channel's accumulators need.
typedef struct {
  int32_t multiplier, shift, zero;
} dsp_scale;

/// As the operator says; `rounding` must be a constant.
static inline int8_t dsp_rescale_slowly(int32_t acc, dsp_scale s, tw_rounding rounding) {
  return (int8_t)tw_clip(tw_rescale(acc, s.multiplier, s.shift, rounding) + s.zero, -128, 127);
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/// TW_ROUND_DOUBLE with a multiplier m that is given as 2 m - 2**32; shift in [0, 31] is to the
/// right.
///
/// SMMLAR is (acc * 2**32 + acc * (2 m - 2**32) + 2**31) >> 32 = (acc * m + 2**30) >> 31, the
/// doubling high multiply. Rounding away from zero is rounding up of the value less one where it is
/// negative. ADDS carries exactly then; ASRS sets the carry to the last bit that it drops, which
/// ADC adds: rounding up. A shift by zero leaves the carry of ADDS, so that ADC adds the one again.
DSP_INLINE int32_t dsp_rescale_double(int32_t acc, const dsp_scale *s) {
  __asm__("smmlar %0, %0, %1, %0\n\t"
          "adds %0, %0, %0, asr #31\n\t"
          "asrs %0, %0, %2\n\t"
          "adc %0, %0, %3\n\t"
          "ssat %0, #8, %0"
          : "+&r"(acc)
          : "r"(s->multiplier), "r"(s->shift), "r"(s->zero)
          : "cc");
  return acc;
}

/// TW_ROUND_HALF_EVEN by 2**(32 + shift), shift in [1, 30].
///
/// LSRS leaves the quotient's last bit, before rounding, in the carry; the half less one plus that
/// bit is then added to the product's 64 bits.
DSP_INLINE int32_t dsp_rescale_half_even(int32_t acc, const dsp_scale *s) {
  const int32_t half = (int32_t)(((uint32_t)1 << (s->shift - 1)) - 1);
  uint32_t low, odd;
  __asm__("smull %1, %0, %0, %3\n\t"
          "lsrs %2, %0, %5\n\t"
          "adcs %1, %1, #-1\n\t"
          "adc %0, %0, %6\n\t"
          "asr %0, %0, %4\n\t"
          "add %0, %0, %7\n\t"
          "ssat %0, #8, %0"
          : "+&r"(acc), "=&r"(low), "=&r"(odd)
          : "r"(s->multiplier), "r"(s->shift), "r"(s->shift + 1), "r"(half), "r"(s->zero)
          : "cc");
  return acc;
}

#else

DSP_INLINE int32_t dsp_rescale_double(int32_t acc, const dsp_scale *s) {
  const int32_t multiplier = (int32_t)((uint32_t)s->multiplier >> 1);
  const int32_t scaled = tw_rescale(acc, multiplier, -s->shift, TW_ROUND_DOUBLE);
  return tw_clip(scaled + s->zero, -128, 127);
}

DSP_INLINE int32_t dsp_rescale_half_even(int32_t acc, const dsp_scale *s) {
  const int32_t scaled = tw_rescale(acc, s->multiplier, 32 + s->shift, TW_ROUND_HALF_EVEN);
  return tw_clip(scaled + s->zero, -128, 127);
}

#endif

/// TW_ROUND_HALF_UP.
static inline int32_t dsp_rescale_half_up(int32_t acc, const dsp_scale *s) {
  const int32_t scaled = tw_rescale(acc, s->multiplier, s->shift, TW_ROUND_HALF_UP);
  return tw_clip(scaled + s->zero, -128, 127);
}

/// The int8 that `acc` becomes by the short sequence; `rounding` must be a constant.
DSP_INLINE int8_t dsp_rescale_shortly(int32_t acc, const dsp_scale *s, tw_rounding rounding) {
  if (rounding == TW_ROUND_DOUBLE) {
    return (int8_t)dsp_rescale_double(acc, s);
  }
  return (int8_t)(rounding == TW_ROUND_HALF_EVEN ? dsp_rescale_half_even(acc, s)
                                                 : dsp_rescale_half_up(acc, s));
}

/// For scales and accumulators out of the ordinary.
DSP_RARE static int8_t dsp_rescale_rarely(int32_t acc, dsp_scale s, tw_rounding rounding) {
  const int32_t shift = s.shift - (rounding == TW_ROUND_DOUBLE ? DSP_RARE_DOUBLE : DSP_RARE_ONCE);
  return dsp_rescale_slowly(acc, (dsp_scale){s.multiplier, shift, s.zero}, rounding);
}

/// The int8 that `acc` becomes; `rounding` must be a constant.
static inline int8_t dsp_rescale(int32_t acc, const dsp_scale *s, tw_rounding rounding) {
  return s->shift < 0 ? dsp_rescale_rarely(acc, *s, rounding)
                      : dsp_rescale_shortly(acc, s, rounding);
}

/// Clips `words` > 0 times four bytes. `low` and `high` are four bytes, too.
DSP_INLINE void dsp_clip_words(int8_t *y, int32_t words, uint32_t low, uint32_t high) {
#if DSP_ASSEMBLY
  uint32_t four, over;
  __asm__ volatile("1:; ldr %[four], [%[y]]; ssub8 %[over], %[four], %[low]\n\t"
                   "sel %[four], %[four], %[low]; ssub8 %[over], %[high], %[four]\n\t"
                   "sel %[four], %[four], %[high]; str %[four], [%[y]], #4\n\t"
                   "subs %[words], %[words], #1; bne 1b"
                   : [y] "+r"(y), [words] "+r"(words), [four] "=&r"(four), [over] "=&r"(over)
                   : [low] "r"(low), [high] "r"(high)
                   : "cc", "memory");
#else
  const int32_t least = (int8_t)(uint8_t)low, most = (int8_t)(uint8_t)high;
  for (int32_t i = 0; i < 4 * words; i++) {
    y[i] = (int8_t)tw_clip(y[i], least, most);
  }
#endif
}

/// Clips finished bytes to less than int8.
static inline void dsp_clip(int8_t *y, int32_t count, int32_t low, int32_t high) {
  if (low == -128 && high == 127) {
    return;
  }
  const uint32_t least = (uint8_t)low * 0x01010101u, most = (uint8_t)high * 0x01010101u;
  for (; count % 4 > 0; count--, y++) {
    *y = (int8_t)tw_clip(*y, low, high);
  }
  if (count > 0) {
    dsp_clip_words(y, count / 4, least, most);
  }
}
