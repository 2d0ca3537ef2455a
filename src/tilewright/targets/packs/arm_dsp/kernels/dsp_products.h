/// Products of one or four rows of int8 inputs with an int8 matrix: what convolution and dense
/// layers spend their time in.
///
/// Rows are widened once, to words of two int16, elements 0 and 2 of every four, then 1 and 3. The
/// weights were permuted when the network was compiled (matrix.py), so that one SXTB16 each way
/// makes a word of one channel's weights out of a word of two channels'. Four rows times two
/// channels take 13 instructions for 16 products: one load of weights, two of inputs, two widenings
/// and eight SMLAD; that is as much as fits into 14 registers.
#pragma once

#include "dsp_pairs.h"
#include "dsp_row.h"
#include "dsp_tiles.h"

/// One channel of four rows, slowly: the last of an odd number, or one that takes the long way.
DSP_TILE static void dsp_multiply_channel(const dsp_matrix *m, const uint32_t *x, int32_t c,
                                          int8_t *y, tw_rounding rounding) {
  const int32_t bias = m->requantise.bias[c];
  const int32_t *w = m->w + c / 4 * 4 * m->quads + c % 4 / 2 * 2;
  dsp_four acc = {bias, bias, bias, bias};
  for (int32_t half = 0; half < 2 * m->quads; half++, x += DSP_ROWS) {
    const uint32_t pairs = (uint32_t)w[half / 2 * 4 + half % 2];
    const uint32_t weights = c % 2 ? dsp_odd(pairs) : dsp_even(pairs);
    acc.a0 = dsp_both(x[0], weights, acc.a0);
    acc.a1 = dsp_both(x[1], weights, acc.a1);
    acc.a2 = dsp_both(x[2], weights, acc.a2);
    acc.a3 = dsp_both(x[3], weights, acc.a3);
  }
  const int32_t sums[DSP_ROWS] = {acc.a0, acc.a1, acc.a2, acc.a3};
  const dsp_scale scale = dsp_scale_of(&m->requantise, c);
  for (int32_t row = 0; row < DSP_ROWS; row++) {
    y[row * m->channels + c] = dsp_rescale(sums[row], &scale, rounding);
  }
}

/// Pairs of channels of four rows under the double rounding.
static inline void dsp_multiply_double(const dsp_matrix *m, const uint32_t *x, int8_t *y) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t pairs = m->channels / 2;
  dsp_pairs p = {x,        x + 2 * DSP_ROWS * m->quads,
                 m->w,     (uint32_t)m->quads & 1,
                 r->bias,  r->multiplier,
                 r->zero,  m->channels,
                 y,        0,
                 r->shift, pairs,
                 2,        4 * m->quads - 2};
  while (p.pairs > 0) {
    dsp_multiply_pairs(&p);
    if (p.pairs > 0) {
      const int32_t c = 2 * (pairs - p.pairs);
      dsp_multiply_channel(m, x, c, y, TW_ROUND_DOUBLE);
      dsp_multiply_channel(m, x, c + 1, y, TW_ROUND_DOUBLE);
      dsp_next_weights(&p);
      p.bias += 2;
      p.multiplier += 2;
      p.shift += 2;
      p.y += 2;
      p.pairs--;
    }
  }
}

/// Pairs of channels of four rows under any rounding.
static inline void dsp_multiply_once(const dsp_matrix *m, const uint32_t *x, int8_t *y,
                                     tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const uint32_t *const end = x + 2 * DSP_ROWS * m->quads;
  for (int32_t c = 0; c + 2 <= m->channels; c += 2) {
    const int32_t one = r->bias[c], two = r->bias[c + 1];
    dsp_four a = {one, one, one, one}, b = {two, two, two, two};
    dsp_four_by_two(x, end, m->w + c / 4 * 4 * m->quads + c % 4, &a, &b);
    dsp_finish_rows(b, dsp_scale_of(r, c + 1), y + c + 1, m->channels, rounding);
    dsp_finish_rows(a, dsp_scale_of(r, c), y + c, m->channels, rounding);
  }
}

/// Output of four rows. Under the double rounding there is one scale per channel.
DSP_TILE static void dsp_multiply_rows(const dsp_matrix *m, const uint32_t *x, int8_t *y,
                                       tw_rounding rounding) {
  if (rounding == TW_ROUND_DOUBLE) {
    dsp_multiply_double(m, x, y);
  } else {
    dsp_multiply_once(m, x, y, rounding);
  }
  if (m->channels % 2) {
    dsp_multiply_channel(m, x, m->channels - 1, y, rounding);
  }
}

/// Output of `rows` rows: one, or four that are interleaved.
static inline void dsp_multiply(const dsp_matrix *m, const uint32_t *x, int32_t rows, int8_t *y,
                                tw_rounding rounding) {
  if (rows == 1) {
    dsp_multiply_row(m, x, y, rounding);
  } else {
    dsp_multiply_rows(m, x, y, rounding);
  }
}

/// How many of `rows` > 0 rows to multiply next.
static inline int32_t dsp_next_rows(int32_t rows) { return rows < DSP_ROWS ? 1 : DSP_ROWS; }
