/// Products of one to four rows of int8 inputs with an int8 matrix: what convolution and dense
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

/// What is the same for all output of three or four rows.
typedef struct {
  const uint32_t *x, *end; // the rows
  int32_t pitch, last;     // see dsp_finish_rows
} dsp_rows;

/// Channels c and, if it exists, c + 1 of three or four rows. A second that does not exist is
/// written first, where the other follows.
DSP_TILE static void dsp_multiply_pair(const dsp_matrix *m, const dsp_rows *rows, int32_t c,
                                       int8_t *y, tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t next = c + 1 < m->channels;
  const int32_t one = r->bias[c], two = r->bias[c + next];
  dsp_four a = {one, one, one, one}, b = {two, two, two, two};
  dsp_four_by_two(rows->x, rows->end, m->w + c / 4 * 4 * m->quads + c % 4, &a, &b);
  dsp_finish_rows(b, dsp_scale_of(r, c + next), y + c + next, rows->pitch, rows->last, rounding);
  dsp_finish_rows(a, dsp_scale_of(r, c), y + c, rows->pitch, rows->last, rounding);
}

/// Output of three or four rows.
DSP_TILE static void dsp_multiply_rows(const dsp_matrix *m, const uint32_t *x, int32_t count,
                                       int8_t *y, tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t channels = m->channels, step = 4 * m->quads;
  const uint32_t *const end = x + 2 * DSP_ROWS * m->quads;
  const dsp_rows rows = {x, end, channels, count < DSP_ROWS ? 2 * channels : 3 * channels};
  int32_t c = 0;
  if (rounding == TW_ROUND_DOUBLE && r->table_step && count == DSP_ROWS) {
    const int32_t pairs = channels / 4 * 2;
    dsp_pairs p = {
        x, end,      m->w, (uint32_t)m->quads & 1, r->bias, r->multiplier, r->zero, channels, y,
        0, r->shift, pairs};
    while (p.pairs > 0) {
      dsp_multiply_pairs(&p);
      if (p.pairs > 0) {
        dsp_multiply_pair(m, &rows, 2 * (pairs - p.pairs), y, rounding);
        p.pairs--;
        p.w = dsp_next_pair(&p, p.w + step);
        p.bias += 2;
        p.multiplier += 2;
        p.shift += 2;
        p.y += 2;
      }
    }
    c = 2 * pairs;
  }
  for (; c < channels; c += 2) {
    dsp_multiply_pair(m, &rows, c, y, rounding);
  }
}

/// Output of `rows` rows: one, or three or four that are interleaved by four.
static inline void dsp_multiply(const dsp_matrix *m, const uint32_t *x, int32_t rows, int8_t *y,
                                tw_rounding rounding) {
  if (rows == 1) {
    dsp_multiply_row(m, x, y, rounding);
  } else {
    dsp_multiply_rows(m, x, rows, y, rounding);
  }
}

/// How many of `rows` > 0 rows to multiply next: two go one by one.
static inline int32_t dsp_next_rows(int32_t rows) { return rows < 3 ? 1 : tw_min(rows, DSP_ROWS); }

/// By how many rows are interleaved that are multiplied together.
static inline int32_t dsp_pitch(int32_t rows) { return rows == 1 ? 1 : DSP_ROWS; }
