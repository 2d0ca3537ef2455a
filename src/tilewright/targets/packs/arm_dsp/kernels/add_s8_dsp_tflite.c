#include "quick_loops.h"

#include "add_s8_dsp.h"

#include "dsp_requantise.h"
#include "dsp_words.h"

/// (wide / 2 * multiplier) >> 31 with rounding, >> shift with ties away from zero, plus the offset.
/// SMMULR is the doubling high multiply of half of `wide`; for the rest see dsp_rescale_double.
DSP_INLINE int32_t add_s8_dsp_summand(int32_t wide, int32_t multiplier, int32_t shift,
                                      int32_t offset) {
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
  __asm__("smmulr %0, %0, %1\n\t"
          "adds %0, %0, %0, asr #31\n\t"
          "asrs %0, %0, %2\n\t"
          "adc %0, %0, %3"
          : "+&r"(wide)
          : "r"(multiplier), "r"(shift), "r"(offset)
          : "cc");
  return wide;
#else
  const int32_t high_part = tw_doubling_high_multiply(wide / 2, multiplier);
  return tw_rounding_shift_right(high_part, shift) + offset;
#endif
}

/// One sum.
DSP_INLINE int8_t add_s8_dsp_one(const add_s8_dsp_args *k, int32_t half, int32_t other) {
  const int32_t wide = (int32_t)((uint32_t)k->other_offset + ((uint32_t)other << 21));
  const int32_t scaled =
      add_s8_dsp_summand(wide, k->other_multiplier, k->other_shift, k->half_offset);
  const int32_t sum = (int32_t)((uint32_t)scaled + ((uint32_t)half << 19));
  const dsp_scale scale = {k->multiplier, k->shift, k->y_zero};
  return (int8_t)dsp_rescale_double(sum, &scale);
}

/// Byte `i` of a word; `i` must be a constant.
DSP_INLINE int32_t add_s8_dsp_byte(uint32_t word, int32_t i) {
  return (int8_t)(uint8_t)(word >> (8 * i));
}

void add_s8_dsp_tflite(const void *args, tw_work work) {
  const add_s8_dsp_args k = *(const add_s8_dsp_args *)args;
  const int8_t *half = (k.half_is_a ? k.a : k.b) + work.start;
  const int8_t *other = (k.half_is_a ? k.b : k.a) + work.start;
  int8_t *y = k.y + work.start;
  int8_t *const stop = k.y + work.stop;
  int8_t *const last = stop - (work.stop - work.start) % 4;
  for (; y != last; half += 4, other += 4, y += 4) {
    const uint32_t halves = dsp_load(half), others = dsp_load(other);
    y[0] = add_s8_dsp_one(&k, add_s8_dsp_byte(halves, 0), add_s8_dsp_byte(others, 0));
    y[1] = add_s8_dsp_one(&k, add_s8_dsp_byte(halves, 1), add_s8_dsp_byte(others, 1));
    y[2] = add_s8_dsp_one(&k, add_s8_dsp_byte(halves, 2), add_s8_dsp_byte(others, 2));
    y[3] = add_s8_dsp_one(&k, add_s8_dsp_byte(halves, 3), add_s8_dsp_byte(others, 3));
  }
  for (; y != stop; half++, other++, y++) {
    *y = add_s8_dsp_one(&k, *half, *other);
  }
  dsp_clip(k.y + work.start, work.stop - work.start, k.low, k.high);
}
