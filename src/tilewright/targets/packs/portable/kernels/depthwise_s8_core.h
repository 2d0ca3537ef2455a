/// Depthwise convolution, vectorised over channels: a block of channels keeps its accumulators
/// while the window's elements pass by.
///
/// A pixel is complete in scratch before it is written, so output may follow input closely in the
/// same memory.
#pragma once

#include <string.h>

#include "depthwise_s8.h"
#include "requantise_s8.h"

enum { DEPTHWISE_CHANNELS = 16 }; // output channels that are computed together

/// acc[i] += x[i] * (w[i] - w_zero) for one window element; x is one pixel's channels.
static inline void depthwise_s8_add(const int8_t *x, const int8_t *w, int32_t count,
                                    int32_t w_zero, int32_t *acc) {
  for (int32_t i = 0; i < count; i++) {
    acc[i] += x[i] * (int32_t)w[i];
  }
  if (w_zero != 0) {
    for (int32_t i = 0; i < count; i++) {
      acc[i] -= x[i] * w_zero;
    }
  }
}

/// The block's input channels of one window element: from x, or repeated, or padding.
static inline const int8_t *depthwise_s8_input(const depthwise_s8_args *a, const int8_t *pixel,
                                               int32_t first, int32_t count, int8_t *block) {
  if (pixel == 0) {
    memset(block, a->x_zero, (size_t)count);
    return block;
  }
  if (a->in_c == a->out_c) {
    return pixel + first;
  }
  const int32_t multiplier = a->out_c / a->in_c;
  for (int32_t i = 0; i < count; i++) {
    block[i] = pixel[(first + i) / multiplier];
  }
  return block;
}

/// Accumulators of channels [first, first + count) of the window whose corner is at (top, left).
static inline void depthwise_s8_window(const depthwise_s8_args *a, const int8_t *image,
                                       int32_t top, int32_t left, int32_t first, int32_t count,
                                       int32_t *acc) {
  const int8_t *w = a->w + first;
  int8_t block[DEPTHWISE_CHANNELS];
  for (int32_t ky = 0; ky < a->kernel_h; ky++) {
    const int32_t y = top + ky * a->dilation_h;
    for (int32_t kx = 0; kx < a->kernel_w; kx++, w += a->out_c) {
      const int32_t x = left + kx * a->dilation_w;
      const int32_t is_inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
      const int8_t *pixel = is_inside ? image + (y * a->in_w + x) * a->in_c : 0;
      const int8_t *input = depthwise_s8_input(a, pixel, first, count, block);
      if (count == DEPTHWISE_CHANNELS) { // a constant count is what compilers vectorise best
        depthwise_s8_add(input, w, DEPTHWISE_CHANNELS, a->w_zero, acc);
      } else {
        depthwise_s8_add(input, w, count, a->w_zero, acc);
      }
    }
  }
}

static inline void depthwise_s8_core(const void *args, tw_span work, tw_rounding rounding) {
  const depthwise_s8_args *a = args;
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t row = pixel / a->out_w;
    const int32_t top = row % a->out_h * a->stride_h - a->pad_top;
    const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
    const int8_t *image = a->x + row / a->out_h * a->in_h * a->in_w * a->in_c;
    for (int32_t c = 0; c < a->out_c; c += DEPTHWISE_CHANNELS) {
      const int32_t count = tw_min(a->out_c - c, DEPTHWISE_CHANNELS);
      int32_t acc[DEPTHWISE_CHANNELS] = {0};
      depthwise_s8_window(a, image, top, left, c, count, acc);
      requantise_s8(acc, c, count, &tables, rounding, a->scratch + c);
    }
    memcpy(a->y + pixel * a->out_c, a->scratch, (size_t)a->out_c);
  }
}
