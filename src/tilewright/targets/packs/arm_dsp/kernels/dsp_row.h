/// Products of one row with a matrix. See dsp_products.h.
#pragma once

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
