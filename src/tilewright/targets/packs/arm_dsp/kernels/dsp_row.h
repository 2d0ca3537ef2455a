/// Products of one row with a matrix, four channels at a time: dense layers.
///
/// Weights are in the order of matrix.py, rows in that of dsp_widen.h.
#pragma once

#include "dsp_requantise.h"
#include "dsp_widen.h"
#include "dsp_words.h"

enum {
  DSP_CHANNELS = 4 // output channels whose weights lie together
};

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

/// A matrix and what follows it.
typedef struct {
  const int32_t *w; // [ceil(channels / 4)][quads][4], see matrix.py
  int32_t quads;    // fours of elements in a row, > 0
  int32_t channels; // of the output
  dsp_requantise requantise;
} dsp_matrix;

/// Channels c to c + 3 of one row, as far as they are below `stop`.
DSP_INLINE void dsp_finish_row(const int32_t acc[DSP_CHANNELS], const dsp_requantise *r, int32_t c,
                               int32_t stop, int8_t *y, tw_rounding rounding) {
  const dsp_scale common = dsp_scale_of(r, 0);
  if (r->table_step == 0 && common.shift >= 0 && c + DSP_CHANNELS <= stop) {
    y[c] = dsp_rescale_shortly(acc[0] + r->bias[c], &common, rounding);
    y[c + 1] = dsp_rescale_shortly(acc[1] + r->bias[c + 1], &common, rounding);
    y[c + 2] = dsp_rescale_shortly(acc[2] + r->bias[c + 2], &common, rounding);
    y[c + 3] = dsp_rescale_shortly(acc[3] + r->bias[c + 3], &common, rounding);
    return;
  }
  for (int32_t i = 0; i < DSP_CHANNELS && c + i < stop; i++) {
    const dsp_scale scale = dsp_scale_of(r, c + i);
    y[c + i] = dsp_rescale(acc[i] + r->bias[c + i], &scale, rounding);
  }
}

/// Output of one row, four channels at a time.
DSP_TILE static void dsp_multiply_row(const dsp_matrix *m, const uint32_t *x, int8_t *y,
                                      tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t *w = m->w;
  for (int32_t c = 0; c < m->channels; c += DSP_CHANNELS, w += 4 * m->quads) {
    int32_t acc[DSP_CHANNELS];
    acc[0] = acc[1] = acc[2] = acc[3] = 0; // an initialiser would call memset
    dsp_one_by_four(x, w, m->quads, acc);
    dsp_finish_row(acc, r, c, m->channels, y, rounding);
  }
}
