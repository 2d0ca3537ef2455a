/// Sums of products in registers: four rows with two channels, one row with four, and what becomes
/// of them. See dsp_products.h.
#pragma once

#include "dsp_requantise.h"
#include "dsp_words.h"

enum {
  DSP_ROWS = 4,    // rows that share one pass over the weights
  DSP_CHANNELS = 4 // output channels whose weights lie together
};

/// The loops in assembly need every register but the stack pointer: the frame pointer's too, which
/// compilers keep where they do not optimise.
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__OPTIMIZE__)
#define DSP_ASSEMBLY 1
#else
#define DSP_ASSEMBLY 0
#endif

/// One channel's accumulators of four rows.
typedef struct {
  int32_t a0, a1, a2, a3;
} dsp_four;

/// a, b += products of four interleaved rows, from x to end, with two channels of a group.
DSP_INLINE void dsp_four_by_two(const uint32_t *x, const uint32_t *end, const int32_t *w,
                                dsp_four *a, dsp_four *b) {
#if DSP_ASSEMBLY
  uint32_t even = (uint32_t)(end - x) & (2 * DSP_ROWS), odd, x0, x1;
  __asm__("cmp %[even], #0; bne 2f\n\t"
          ".irp entry, 1, 2\n"
          "\\entry:\n\t"
          ".irp step, 4, 12\n\t"
          "ldr %[even], [%[w]], #\\step; ldrd %[x0], %[x1], [%[x]], #8\n\t"
          "sxtb16 %[odd], %[even], ror #8; sxtb16 %[even], %[even]\n\t"
          "smlad %[a0], %[x0], %[even], %[a0]; smlad %[a1], %[x1], %[even], %[a1]\n\t"
          "smlad %[b0], %[x0], %[odd], %[b0]; smlad %[b1], %[x1], %[odd], %[b1]\n\t"
          "ldrd %[x0], %[x1], [%[x]], #8\n\t"
          "smlad %[a2], %[x0], %[even], %[a2]; smlad %[a3], %[x1], %[even], %[a3]\n\t"
          "smlad %[b2], %[x0], %[odd], %[b2]; smlad %[b3], %[x1], %[odd], %[b3]\n\t"
          ".endr\n\t"
          ".endr\n\t"
          "ldr %[x0], %[end]; cmp %[x], %[x0]; bne 1b"
          : [a0] "+r"(a->a0), [a1] "+r"(a->a1), [a2] "+r"(a->a2), [a3] "+r"(a->a3),
            [b0] "+r"(b->a0), [b1] "+r"(b->a1), [b2] "+r"(b->a2), [b3] "+r"(b->a3), [x] "+r"(x),
            [w] "+r"(w), [even] "+r"(even), [odd] "=&r"(odd), [x0] "=&r"(x0), [x1] "=&r"(x1)
          : [end] "m"(end)
          : "cc", "memory");
#else
  for (int32_t half = 0; x < end; half++, x += DSP_ROWS) {
    const uint32_t pairs = (uint32_t)w[half / 2 * 4 + half % 2];
    const uint32_t even = dsp_even(pairs), odd = dsp_odd(pairs);
    *a = (dsp_four){dsp_both(x[0], even, a->a0), dsp_both(x[1], even, a->a1),
                    dsp_both(x[2], even, a->a2), dsp_both(x[3], even, a->a3)};
    *b = (dsp_four){dsp_both(x[0], odd, b->a0), dsp_both(x[1], odd, b->a1),
                    dsp_both(x[2], odd, b->a2), dsp_both(x[3], odd, b->a3)};
  }
#endif
}

/// acc[channel] += products of one row with the four channels of a group.
DSP_INLINE void dsp_one_by_four(const uint32_t *x, const int32_t *w, int32_t quads,
                                int32_t acc[DSP_CHANNELS]) {
#if DSP_ASSEMBLY
  const uint32_t *const end = x + 2 * quads;
  uint32_t one = (uint32_t)quads & 1, x0, x1;
  __asm__("cmp %[one], #0; bne 2f\n\t"
          ".irp entry, 1, 2\n"
          "\\entry:\n\t"
          "ldmia %[w]!, {r4, r5, r6, r8}; ldrd %[x0], %[x1], [%[x]], #8\n\t"
          "sxtb16 %[one], r4; sxtb16 r4, r4, ror #8\n\t"
          "smlad %[a0], %[x0], %[one], %[a0]; smlad %[a1], %[x0], r4, %[a1]\n\t"
          "sxtb16 %[one], r5; sxtb16 r5, r5, ror #8\n\t"
          "smlad %[a0], %[x1], %[one], %[a0]; smlad %[a1], %[x1], r5, %[a1]\n\t"
          "sxtb16 %[one], r6; sxtb16 r6, r6, ror #8\n\t"
          "smlad %[a2], %[x0], %[one], %[a2]; smlad %[a3], %[x0], r6, %[a3]\n\t"
          "sxtb16 %[one], r8; sxtb16 r8, r8, ror #8\n\t"
          "smlad %[a2], %[x1], %[one], %[a2]; smlad %[a3], %[x1], r8, %[a3]\n\t"
          ".endr\n\t"
          "ldr %[one], %[end]; cmp %[x], %[one]; bne 1b"
          : [a0] "+r"(acc[0]), [a1] "+r"(acc[1]), [a2] "+r"(acc[2]), [a3] "+r"(acc[3]), [x] "+r"(x),
            [w] "+r"(w), [one] "+r"(one), [x0] "=&r"(x0), [x1] "=&r"(x1)
          : [end] "m"(end)
          : "cc", "memory", "r4", "r5", "r6", "r8");
#else
  for (int32_t q = 0; q < quads; q++, x += 2, w += 4) {
    for (int32_t pair = 0; pair < 2; pair++) {
      const uint32_t first = (uint32_t)w[2 * pair], second = (uint32_t)w[2 * pair + 1];
      int32_t *const sums = acc + 2 * pair;
      sums[0] = dsp_both(x[1], dsp_even(second), dsp_both(x[0], dsp_even(first), sums[0]));
      sums[1] = dsp_both(x[1], dsp_odd(second), dsp_both(x[0], dsp_odd(first), sums[1]));
    }
  }
#endif
}

/// One channel of four rows of output, `pitch` bytes apart; for scales out of the ordinary.
DSP_RARE static void dsp_finish_rarely(dsp_four acc, dsp_scale s, int8_t *y, int32_t pitch,
                                       tw_rounding rounding) {
  y[0] = dsp_rescale_rarely(acc.a0, s, rounding);
  y[pitch] = dsp_rescale_rarely(acc.a1, s, rounding);
  y[2 * pitch] = dsp_rescale_rarely(acc.a2, s, rounding);
  y[3 * pitch] = dsp_rescale_rarely(acc.a3, s, rounding);
}

/// The same for any scale.
static inline void dsp_finish_rows(dsp_four acc, dsp_scale s, int8_t *y, int32_t pitch,
                                   tw_rounding rounding) {
  if (s.shift < 0) {
    dsp_finish_rarely(acc, s, y, pitch, rounding);
    return;
  }
  y[0] = dsp_rescale_shortly(acc.a0, &s, rounding);
  y[pitch] = dsp_rescale_shortly(acc.a1, &s, rounding);
  y[2 * pitch] = dsp_rescale_shortly(acc.a2, &s, rounding);
  y[3 * pitch] = dsp_rescale_shortly(acc.a3, &s, rounding);
}
