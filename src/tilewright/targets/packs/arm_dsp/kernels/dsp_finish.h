/// From sums to bytes in convolutions and dense layers.
///
/// In convolutions, two channels have two multipliers and a word with two numbers more: in its
/// upper half the second channel's, in its lower 15 bits the first's. Bit 15 says that the short
/// sequences are not exact for one of the channels; multipliers and numbers (shifts) are then the
/// operator's own.
#pragma once

#include "dsp_requantise.h"

enum {
  DSP_AFFINE_SHIFT = 2,  // SHIFT of affine.py; the assembly has it too
  DSP_RARE_BIT = 0x8000, // of the third word
  DSP_TAIL_WORDS = 3     // two multipliers and the third word
};

/// How results are rounded; finish.py has the same names.
///
/// DSP_DOUBLE takes five instructions, the numbers being shifts to the right. The others take two:
/// ((acc * multiplier >> 32) + number) >> 2, saturated. affine.py has found a bias, a multiplier
/// and a number for which that is exact.
typedef enum {
  DSP_DOUBLE,      // the double rounding
  DSP_DOUBLE_RELU, // the same where all that is below the zero point is clipped to it
  DSP_HALF_EVEN,
  DSP_HALF_UP
} dsp_way;

static inline tw_rounding dsp_rounding(dsp_way way) {
  return way == DSP_HALF_UP     ? TW_ROUND_HALF_UP
         : way == DSP_HALF_EVEN ? TW_ROUND_HALF_EVEN
                                : TW_ROUND_DOUBLE;
}

/// The int8 that a sum becomes in the short way; `s` has the number as its shift, `way` must be a
/// constant. Clips to int8, see dsp_clip for less.
DSP_INLINE int8_t dsp_finish_shortly(int32_t acc, const dsp_scale *s, dsp_way way) {
  if (way == DSP_DOUBLE) {
    return (int8_t)dsp_rescale_double(acc, s);
  }
#if DSP_ASSEMBLY
  __asm__("smmla %0, %0, %1, %2\n\tssat %0, #8, %0, asr #2"
          : "+r"(acc)
          : "r"(s->multiplier), "r"(s->shift));
  return (int8_t)acc;
#else
  const int32_t line = (int32_t)tw_shift_right_64((int64_t)acc * s->multiplier, 32) + s->shift;
  return (int8_t)tw_clip(tw_shift_right(line, DSP_AFFINE_SHIFT), -128, 127);
#endif
}

/// The int8 that a sum becomes by the operator's own scale: in the short sequence of the rounding
/// where that is exact for any sum, as it nearly always is.
DSP_RARE static int8_t dsp_finish_meant(int32_t acc, dsp_scale s, dsp_way way) {
  const int32_t half = 1 << 30;
  if (way == DSP_HALF_EVEN && s.shift > 32 && s.shift < 63) {
    s.shift -= 32;
    return (int8_t)dsp_rescale_half_even(acc, &s);
  }
  if (way <= DSP_DOUBLE_RELU && s.shift <= 0 && s.multiplier >= half) {
    s.multiplier = (int32_t)(2 * (uint32_t)s.multiplier);
    s.shift = -s.shift;
    return (int8_t)dsp_rescale_double(acc, &s);
  }
  return dsp_rescale_slowly(acc, s, dsp_rounding(way));
}

/// The int8 that the sum of `channel`, 0 or 1, becomes; `way` must be a constant.
static inline int8_t dsp_finish(int32_t acc, const int32_t tail[DSP_TAIL_WORDS], int32_t channel,
                                int32_t zero, dsp_way way) {
  const int32_t both = tail[2], first = (int32_t)((uint32_t)both << 17);
  const int32_t number = channel ? tw_shift_right(both, 16) : tw_shift_right(first, 17);
  const dsp_scale scale = {tail[channel], number, zero};
  return both & DSP_RARE_BIT ? dsp_finish_meant(acc, scale, way)
                             : dsp_finish_shortly(acc, &scale, way);
}
