/// Sums of four neighbouring elements, or of a row, rescaled.
#include "mean_s8_dsp.h"
#include "dsp_bytes.h"
#include "dsp_requantise.h"

/// The sum of `count` bytes in a row.
static inline int32_t mean_s8_dsp_row(const int8_t *x, int32_t count) {
  int32_t total = 0;
  while (count >= 4) {
    // Each of the four int16 takes one byte of a word.
    const int32_t words = tw_min(count / 4, DSP_MOST_SUMMED);
    dsp_sums sums = dsp_sum_column((dsp_sums){0, 0}, x, words, 4);
    for (int32_t i = 0; i < 4; i++) {
      total += dsp_next_sum(&sums);
    }
    x += 4 * words;
    count -= 4 * words;
  }
  for (; count > 0; count--) {
    total += *x++;
  }
  return total;
}

/// Sums of `count` words that lie `step` bytes apart, byte by byte.
static inline void mean_s8_dsp_four(const int8_t *x, int32_t count, int32_t step,
                                    int32_t total[4]) {
  memset(total, 0, 4 * sizeof *total);
  while (count > 0) {
    const int32_t part = tw_min(count, DSP_MOST_SUMMED);
    dsp_sums sums = dsp_sum_column((dsp_sums){0, 0}, x, part, step);
    for (int32_t i = 0; i < 4; i++) {
      total[i] += dsp_next_sum(&sums);
    }
    x += part * step;
    count -= part;
  }
}

static inline void mean_s8_dsp_core(const void *args, tw_work work, tw_rounding rounding) {
  const mean_s8_dsp_args *const a = args;
  const int32_t inner = a->inner, count = a->count, centre = count * a->x_zero;
  const dsp_scale scale = {a->multiplier, a->shift, a->y_zero};
  int32_t at = work.start;
  while (at < work.stop) {
    int32_t total[4];
    int32_t lane = 0, lanes = 1;
    if (inner == 1) {
      total[0] = mean_s8_dsp_row(a->x + at * count, count);
    } else {
      const int32_t column = at % inner, first = tw_min(column, inner - 4);
      mean_s8_dsp_four(a->x + at / inner * count * inner + first, count, inner, total);
      lane = column - first;
      lanes = tw_min(4, lane + work.stop - at);
    }
    for (; lane < lanes; lane++) {
      const int32_t scaled = dsp_rescale(total[lane] - centre, &scale, rounding);
      a->y[at++] = (int8_t)tw_clip(scaled, a->low, a->high);
    }
  }
}

void mean_s8_dsp_double(const void *args, tw_work work) {
  mean_s8_dsp_core(args, work, TW_ROUND_DOUBLE);
}

void mean_s8_dsp_half_even(const void *args, tw_work work) {
  mean_s8_dsp_core(args, work, TW_ROUND_HALF_EVEN);
}

void mean_s8_dsp_half_up(const void *args, tw_work work) {
  mean_s8_dsp_core(args, work, TW_ROUND_HALF_UP);
}
