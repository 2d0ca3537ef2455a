/// Dot products of widened inputs with int8 weights: the inner loops of conv2d_s8 and dense_s8.
///
/// Inputs are widened to int16 once and then meet many weight rows; compilers turn the loops into
/// 16-bit multiply-add instructions where the machine has them.
#pragma once

#include <string.h>

#include "requantise_s8.h"

enum {
  DOT_PATCHES = 4,  // input rows that share one pass over the weights
  DOT_CHANNELS = 16 // output channels whose accumulators are requantised together
};

/// x[length] int8 widened to int16.
static inline void dot_widen(const int8_t *x, int32_t length, int16_t *wide) {
  for (int32_t i = 0; i < length; i++) {
    wide[i] = x[i];
  }
}

/// acc[p] = x[p] . w for four rows of x, `pitch` elements apart.
static inline void dot_four_rows(const int16_t *x, int32_t pitch, const int8_t *w, int32_t length,
                                 int32_t *acc) {
  const int16_t *x0 = x, *x1 = x + pitch, *x2 = x + 2 * pitch, *x3 = x + 3 * pitch;
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  for (int32_t i = 0; i < length; i++) {
    const int32_t weight = w[i];
    a0 += x0[i] * weight;
    a1 += x1[i] * weight;
    a2 += x2[i] * weight;
    a3 += x3[i] * weight;
  }
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
}

/// acc[c] = x . w[c] for four consecutive weight rows.
static inline void dot_four_channels(const int16_t *x, const int8_t *w, int32_t length,
                                     int32_t *acc) {
  const int8_t *w0 = w, *w1 = w + length, *w2 = w + 2 * length, *w3 = w + 3 * length;
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  for (int32_t i = 0; i < length; i++) {
    const int32_t input = x[i];
    a0 += input * w0[i];
    a1 += input * w1[i];
    a2 += input * w2[i];
    a3 += input * w3[i];
  }
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
}

static inline int32_t dot_one(const int16_t *x, const int8_t *w, int32_t length) {
  int32_t acc = 0;
  for (int32_t i = 0; i < length; i++) {
    acc += x[i] * (int32_t)w[i];
  }
  return acc;
}

static inline int32_t dot_sum(const int16_t *x, int32_t length) {
  int32_t sum = 0;
  for (int32_t i = 0; i < length; i++) {
    sum += x[i];
  }
  return sum;
}

/// One weight matrix and what follows it.
typedef struct {
  const int8_t *w; // [channels][length]
  int32_t length;  // elements of one row
  int32_t w_zero;  // zero point of the weights
} dot_s8_weights;

/// Takes w_zero * sum(x) out of `count` accumulators of one row.
static inline void dot_recentre(const int16_t *x, const dot_s8_weights *m, int32_t count,
                                int32_t *acc) {
  if (m->w_zero == 0) {
    return;
  }
  const int32_t excess = m->w_zero * dot_sum(x, m->length);
  for (int32_t i = 0; i < count; i++) {
    acc[i] -= excess;
  }
}

/// y[c] = requantised x . w[c] for channels [first, stop): one row of x.
static inline void dot_s8_row(const int16_t *x, const dot_s8_weights *m, int32_t first,
                              int32_t stop, const requantise_s8_tables *tables,
                              tw_rounding rounding, int8_t *y) {
  for (int32_t c = first; c < stop; c += DOT_CHANNELS) {
    const int32_t count = tw_min(stop - c, DOT_CHANNELS);
    const int8_t *w = m->w + c * m->length;
    int32_t acc[DOT_CHANNELS];
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
      dot_four_channels(x, w + i * m->length, m->length, acc + i);
    }
    for (; i < count; i++) {
      acc[i] = dot_one(x, w + i * m->length, m->length);
    }
    dot_recentre(x, m, count, acc);
    requantise_s8(acc, c, count, tables, rounding, y + c);
  }
}

/// As dot_s8_row for four rows of x, `x_pitch` elements apart, into rows of y, `y_pitch` apart.
static inline void dot_s8_four_rows(const int16_t *x, int32_t x_pitch, const dot_s8_weights *m,
                                    tw_span channels, const requantise_s8_tables *tables,
                                    tw_rounding rounding, int8_t *y, int32_t y_pitch) {
  for (int32_t c = channels.start; c < channels.stop; c += DOT_CHANNELS) {
    const int32_t count = tw_min(channels.stop - c, DOT_CHANNELS);
    const int8_t *w = m->w + c * m->length;
    int32_t acc[DOT_PATCHES][DOT_CHANNELS];
    for (int32_t i = 0; i < count; i++) {
      int32_t column[DOT_PATCHES];
      dot_four_rows(x, x_pitch, w + i * m->length, m->length, column);
      for (int32_t p = 0; p < DOT_PATCHES; p++) {
        acc[p][i] = column[p];
      }
    }
    for (int32_t p = 0; p < DOT_PATCHES; p++) {
      dot_recentre(x + p * x_pitch, m, count, acc[p]);
      requantise_s8(acc[p], c, count, tables, rounding, y + p * y_pitch + c);
    }
  }
}
