/// int32 sums for operators that are computed in parts of their inner dimension.
#pragma once

#include "dot_s8.h"

/// y[c] = x . (w[c] - w_zero) for all channels: on top of `bias`, or of what y holds where `adds`.
static inline void dot_sums_row(const int16_t *x, const dot_s8_weights *m, int32_t channels,
                                const int32_t *bias, int32_t adds, int32_t *y) {
  for (int32_t first = 0; first < channels; first += DOT_CHANNELS) {
    const int32_t count = tw_min(channels - first, DOT_CHANNELS);
    const int8_t *w = m->w + first * m->length;
    const int32_t *before = adds ? y + first : bias + first;
    int32_t acc[DOT_CHANNELS];
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
      dot_four_channels(x, w + i * m->length, m->length, acc + i);
    }
    for (; i < count; i++) {
      acc[i] = dot_one(x, w + i * m->length, m->length);
    }
    dot_recentre(x, m, count, acc);
    for (i = 0; i < count; i++) {
      y[first + i] = tw_wrapping_add(before[i], acc[i]);
    }
  }
}
