/// Products of one row with a matrix, four channels at a time: dense layers.
///
/// Weights are in the order of matrix.py, rows in that of dsp_widen.h.
#pragma once

#include "dsp_finish.h"
#include "dsp_widen.h"
#include "dsp_words.h"

enum {
  DSP_CHANNELS = 4,         // output channels whose weights lie together
  DSP_RARE_NUMBER = 1 << 20 // RARE_NUMBER of finish.py
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

/// What follows the sums of a dense layer. A number near DSP_RARE_NUMBER is the operator's own
/// shift, plus that: the short sequence is not exact.
typedef struct {
  const int32_t *bias;       // [channels]
  const int32_t *multiplier; // [channels] or [1]
  const int32_t *number;     // [channels] or [1], see dsp_finish.h
  int32_t table_step;        // 1: one multiplier and number per channel, 0: one for all
  int32_t zero;              // zero point of the output
} dsp_tables;

/// A matrix and what follows it.
typedef struct {
  const int32_t *w; // [ceil(channels / 4)][quads][4], see matrix.py
  int32_t quads;    // fours of elements in a row, > 0
  int32_t channels; // of the output
  dsp_tables tables;
  int32_t start; // of every sum: what the weights' zero point makes of the row
} dsp_matrix;

DSP_RARE static int8_t dsp_finish_rarely(int32_t acc, dsp_scale s, dsp_way way) {
  const dsp_scale meant = {s.multiplier, s.shift - DSP_RARE_NUMBER, s.zero};
  return dsp_rescale_slowly(acc, meant, dsp_rounding(way));
}

/// Channels c to c + 3 of one row, as far as they are below `stop`.
DSP_INLINE void dsp_finish_row(const int32_t acc[DSP_CHANNELS], const dsp_tables *t, int32_t c,
                               int32_t stop, int8_t *y, dsp_way way) {
  const dsp_scale common = {t->multiplier[0], t->number[0], t->zero};
  if (t->table_step == 0 && common.shift < DSP_RARE_NUMBER / 2 && c + DSP_CHANNELS <= stop) {
    y[c] = dsp_finish_shortly(acc[0] + t->bias[c], &common, way);
    y[c + 1] = dsp_finish_shortly(acc[1] + t->bias[c + 1], &common, way);
    y[c + 2] = dsp_finish_shortly(acc[2] + t->bias[c + 2], &common, way);
    y[c + 3] = dsp_finish_shortly(acc[3] + t->bias[c + 3], &common, way);
    return;
  }
  for (int32_t i = 0; i < DSP_CHANNELS && c + i < stop; i++) {
    const int32_t at = (c + i) * t->table_step, sum = acc[i] + t->bias[c + i];
    const dsp_scale scale = {t->multiplier[at], t->number[at], t->zero};
    y[c + i] = scale.shift < DSP_RARE_NUMBER / 2 ? dsp_finish_shortly(sum, &scale, way)
                                                 : dsp_finish_rarely(sum, scale, way);
  }
}

/// Output of one row, four channels at a time.
DSP_TILE static void dsp_multiply_row(const dsp_matrix *m, const uint32_t *x, int8_t *y,
                                      dsp_way way) {
  const int32_t *w = m->w;
  for (int32_t c = 0; c < m->channels; c += DSP_CHANNELS, w += 4 * m->quads) {
    int32_t acc[DSP_CHANNELS];
    acc[0] = acc[1] = acc[2] = acc[3] = m->start;
    dsp_one_by_four(x, w, m->quads, acc);
    dsp_finish_row(acc, &m->tables, c, m->channels, y, way);
  }
}
