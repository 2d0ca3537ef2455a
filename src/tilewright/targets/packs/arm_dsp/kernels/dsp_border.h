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
