/// Windows that reach beyond an image.
#pragma once

#include <string.h>

#include "tilewright.h"
#include "tw_arithmetic.h"

/// What a window may show.
typedef struct {
  const int8_t *image; // [height][width][channels]
  int32_t height, width, channels;
  int32_t padding; // what is read beyond the image
} dsp_scene;

/// Some rows and columns, padded, as rows of `length` bytes.
static inline void dsp_copy_window(const dsp_scene *s, tw_span rows, tw_span columns,
                                   int32_t length, int8_t *bytes) {
  const int32_t first = tw_max(columns.start, 0), last = tw_min(columns.stop, s->width);
  memset(bytes, s->padding, (size_t)((rows.stop - rows.start) * length));
  bytes += (first - columns.start) * s->channels;
  for (int32_t y = rows.start; y < rows.stop; y++, bytes += length) {
    if (y >= 0 && y < s->height && first < last) {
      const int8_t *const x = s->image + (y * s->width + first) * s->channels;
      memcpy(bytes, x, (size_t)((last - first) * s->channels));
    }
  }
}

/// Which elements a window with holes has.
typedef struct {
  int32_t rows, columns;
  int32_t row_step, column_step; // dilations
  int32_t count;                 // channels from the scene's first on
} dsp_comb;

/// How many of `count` elements, `step` apart, the first at `start`, lie before `stop`.
static inline int32_t dsp_taps_before(int32_t start, int32_t stop, int32_t step, int32_t count) {
  return start >= stop ? 0 : tw_min((stop - start + step - 1) / step, count);
}

/// The window with holes at (top, left), padded, its elements one behind the other.
static inline void dsp_copy_comb(const dsp_scene *s, const dsp_comb *c, int32_t top, int32_t left,
                                 int8_t *bytes) {
  const int32_t step = c->column_step, length = c->columns * c->count;
  const int32_t first = dsp_taps_before(left, 0, step, c->columns);
  const int32_t taps = dsp_taps_before(left, s->width, step, c->columns) - first;
  memset(bytes, s->padding, (size_t)(c->rows * length));
  for (int32_t row = 0; row < c->rows; row++, bytes += length) {
    const int32_t y = top + row * c->row_step;
    if (y < 0 || y >= s->height) {
      continue;
    }
    const int8_t *x = s->image + (y * s->width + left + first * step) * s->channels;
    int8_t *into = bytes + first * c->count;
    for (int32_t tap = 0; tap < taps; tap++, x += step * s->channels, into += c->count) {
      if (c->count >= 8) {
        memcpy(into, x, (size_t)c->count);
      } else {
        for (int32_t i = 0; i < c->count; i++) {
          into[i] = x[i];
        }
      }
    }
  }
}
