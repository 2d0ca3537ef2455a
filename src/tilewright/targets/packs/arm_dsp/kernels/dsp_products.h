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
#include "dsp_tiles.h"

#if defined(__GNUC__)
#define DSP_TILE __attribute__((noinline))
#else
#define DSP_TILE
#endif

/// `length` bytes of one of `rows` interleaved rows, widened; a last part of four is filled up with
/// zeros. Returns where the row goes on.
static inline uint32_t *dsp_widen(const int8_t *x, int32_t length, uint32_t *wide, int32_t rows) {
  int32_t i = length;
  for (; i >= 8; i -= 8, x += 8, wide += 4 * rows) {
    const uint32_t a = dsp_load(x), b = dsp_load(x + 4);
    wide[0] = dsp_even(a);
    wide[rows] = dsp_odd(a);
    wide[2 * rows] = dsp_even(b);
    wide[3 * rows] = dsp_odd(b);
  }
  if (i >= 4) {
    const uint32_t word = dsp_load(x);
    wide[0] = dsp_even(word);
    wide[rows] = dsp_odd(word);
    x += 4;
    wide += 2 * rows;
  }
  if (i & 3) {
    const uint32_t second = (i & 3) > 1 ? (uint8_t)x[1] : 0,
                   third = (i & 3) > 2 ? (uint8_t)x[2] : 0;
    const uint32_t word = (uint8_t)x[0] | second << 8 | third << 16;
    wide[0] = dsp_even(word);
    wide[rows] = dsp_odd(word);
    wide += 2 * rows;
  }
  return wide;
}

/// A matrix and what follows it.
typedef struct {
  const int32_t *w; // [ceil(channels / 4)][quads][4], see matrix.py
  int32_t quads;    // fours of elements in a row, > 0
  int32_t channels; // of the output
  dsp_requantise requantise;
} dsp_matrix;

/// Channels c to c + 3 of one row, as far as they are below `stop`.
static inline void dsp_finish_row(const int32_t acc[DSP_CHANNELS], const dsp_requantise *r,
                                  int32_t c, int32_t stop, int8_t *y, tw_rounding rounding) {
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

/// Output of three or four rows, four channels at a time.
DSP_TILE static void dsp_multiply_rows(const dsp_matrix *m, const uint32_t *x, int32_t count,
                                       int8_t *y, tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t channels = m->channels;
  const uint32_t *const end = x + 2 * DSP_ROWS * m->quads;
  const dsp_rows rows = {x, end, channels, count < DSP_ROWS ? 2 * channels : 3 * channels};
  const int32_t is_short = rounding == TW_ROUND_DOUBLE && r->table_step && count == DSP_ROWS;
  for (int32_t c = 0; c < channels; c += DSP_CHANNELS) {
    const int32_t is_whole = c + DSP_CHANNELS <= channels;
    const uint32_t shifts = is_short && is_whole ? dsp_load(r->shift + c) : DSP_SIGNS;
    if ((shifts & DSP_SIGNS) == 0) {
      dsp_pairs pairs = {x,
                         end,
                         m->w + c * m->quads,
                         (uint32_t)m->quads & 1,
                         r->bias + c,
                         r->multiplier + c,
                         r->zero,
                         channels,
                         y + c,
                         shifts,
                         2};
      dsp_multiply_pairs(&pairs);
      continue;
    }
    dsp_multiply_pair(m, &rows, c, y, rounding);
    if (c + 2 < channels) {
      dsp_multiply_pair(m, &rows, c + 2, y, rounding);
    }
  }
}

/// Output of one row, four channels at a time.
DSP_TILE static void dsp_multiply_row(const dsp_matrix *m, const uint32_t *x, int8_t *y,
                                      tw_rounding rounding) {
  const dsp_requantise *const r = &m->requantise;
  const int32_t *w = m->w;
  for (int32_t c = 0; c < m->channels; c += DSP_CHANNELS, w += 4 * m->quads) {
    int32_t acc[DSP_CHANNELS] = {0, 0, 0, 0};
    dsp_one_by_four(x, w, m->quads, acc);
    dsp_finish_row(acc, r, c, m->channels, y, rounding);
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
