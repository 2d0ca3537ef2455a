/// Depthwise convolution where memory is short: each channel's plane is copied out before its
/// results take its place, so that output and input may be one tensor.
#include "depthwise_s8.h"
#include "requantise_s8.h"
#include "window2d.h"

/// One channel: its weights without their zero point, [kernel_h][kernel_w], and its plane.
typedef struct {
  const int16_t *taps;
  const int8_t *plane;
} depthwise_s8_channel;

/// The taps of one window that lie inside of the plane; what the others read, x_zero, is taken
/// out of every element instead.
static inline int32_t depthwise_s8_planes_sum(const depthwise_s8_args *a, depthwise_s8_channel from,
                                              tw_taps rows, tw_taps columns) {
  const int32_t count = columns.stop - columns.first;
  int32_t sum = 0;
  for (int32_t ky = rows.first; ky < rows.stop; ky++) {
    const int16_t *tap = from.taps + ky * a->kernel_w + columns.first;
    const int8_t *x = from.plane + (rows.origin + ky * a->dilation_h) * a->in_w + columns.origin +
                      columns.first * a->dilation_w;
    for (int32_t i = 0; i < count; i++, x += a->dilation_w) {
      sum += (*x - a->x_zero) * tap[i];
    }
  }
  return sum;
}

/// All outputs of one channel; `y` is its first one.
static inline void depthwise_s8_planes_channel(const depthwise_s8_args *a,
                                               depthwise_s8_channel from, int32_t channel,
                                               tw_rounding rounding, int8_t *y) {
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  const int32_t multiplier = a->multiplier[channel * a->table_step];
  const int32_t shift = a->shift[channel * a->table_step];
  int32_t rest = a->bias[channel];
  for (int32_t i = 0; i < a->kernel_h * a->kernel_w; i++) {
    rest = tw_wrapping_add(rest, a->x_zero * from.taps[i]);
  }
  for (int32_t row = 0; row < a->out_h; row++) {
    const tw_taps rows =
        tw_taps_inside(row, a->stride_h, a->pad_top, a->kernel_h, a->dilation_h, a->in_h);
    for (int32_t column = 0; column < a->out_w; column++, y += a->out_c) {
      const tw_taps columns =
          tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
      const int32_t acc = tw_wrapping_add(rest, depthwise_s8_planes_sum(a, from, rows, columns));
      *y = (int8_t)requantise_s8_one(acc, multiplier, shift, &tables, rounding);
    }
  }
}

static inline void depthwise_s8_planes_core(const void *args, tw_work work, tw_rounding rounding) {
  // A copy: bytes that are written through y might be bytes of the arguments, for all C knows.
  const depthwise_s8_args a = *(const depthwise_s8_args *)args;
  const int32_t pixels = a.in_h * a.in_w;
  const int32_t window = a.kernel_h * a.kernel_w;
  int16_t *taps = work.scratch;
  int8_t *plane = (int8_t *)(taps + window);
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t image = item / a.in_c;
    const int32_t channel = item % a.in_c;
    const int8_t *x = a.x + image * pixels * a.in_c + channel;
    for (int32_t i = 0; i < window; i++) {
      taps[i] = (int16_t)(a.w[i * a.out_c + channel] - a.w_zero);
    }
    for (int32_t i = 0; i < pixels; i++) {
      plane[i] = x[i * a.in_c];
    }
    int8_t *y = a.y + image * a.out_h * a.out_w * a.out_c + channel;
    depthwise_s8_planes_channel(&a, (depthwise_s8_channel){taps, plane}, channel, rounding, y);
  }
}

void depthwise_s8_planes_double(const void *args, tw_work work) {
  depthwise_s8_planes_core(args, work, TW_ROUND_DOUBLE);
}

void depthwise_s8_planes_half_even(const void *args, tw_work work) {
  depthwise_s8_planes_core(args, work, TW_ROUND_HALF_EVEN);
}

void depthwise_s8_planes_half_up(const void *args, tw_work work) {
  depthwise_s8_planes_core(args, work, TW_ROUND_HALF_UP);
}
