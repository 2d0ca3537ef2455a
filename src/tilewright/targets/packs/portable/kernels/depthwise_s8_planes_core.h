/// Depthwise convolution where memory is short: each channel's plane is copied out before its
/// results take its place, so that output and input may be one tensor.
#pragma once

#include "depthwise_s8.h"
#include "requantise_s8.h"

/// The sum of one window, whose corner is at (top, left) of a plane [in_h][in_w].
static inline int32_t depthwise_s8_planes_sum(const depthwise_s8_args *a, const int8_t *plane,
                                              int32_t channel, int32_t top, int32_t left) {
  const int8_t *w = a->w + channel;
  int32_t sum = 0;
  for (int32_t ky = 0; ky < a->kernel_h; ky++) {
    const int32_t y = top + ky * a->dilation_h;
    for (int32_t kx = 0; kx < a->kernel_w; kx++, w += a->out_c) {
      const int32_t x = left + kx * a->dilation_w;
      const int is_inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
      sum += (is_inside ? plane[y * a->in_w + x] : a->x_zero) * (*w - a->w_zero);
    }
  }
  return sum;
}

/// All outputs of one channel; `y` is its first one.
static inline void depthwise_s8_planes_channel(const depthwise_s8_args *a, const int8_t *plane,
                                               int32_t channel, tw_rounding rounding, int8_t *y) {
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  const int32_t entry = channel * a->table_step;
  for (int32_t row = 0; row < a->out_h; row++) {
    const int32_t top = row * a->stride_h - a->pad_top;
    for (int32_t column = 0; column < a->out_w; column++, y += a->out_c) {
      const int32_t left = column * a->stride_w - a->pad_left;
      const int32_t acc = a->bias[channel] + depthwise_s8_planes_sum(a, plane, channel, top, left);
      *y = (int8_t)requantise_s8_one(acc, a->multiplier[entry], a->shift[entry], &tables, rounding);
    }
  }
}

static inline void depthwise_s8_planes_core(const void *args, tw_span work, tw_rounding rounding) {
  const depthwise_s8_args *a = args;
  int8_t *plane = (int8_t *)a->scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t image = item / a->in_c;
    const int32_t channel = item % a->in_c;
    const int32_t pixels = a->in_h * a->in_w;
    const int8_t *x = a->x + image * pixels * a->in_c + channel;
    for (int32_t i = 0; i < pixels; i++) {
      plane[i] = x[i * a->in_c];
    }
    int8_t *y = a->y + image * a->out_h * a->out_w * a->out_c + channel;
    depthwise_s8_planes_channel(a, plane, channel, rounding, y);
  }
}
