/// Convolution as dot products of contiguous rows, two output pixels at a time.
///
/// All reads of two pixels come before their writes, so output may follow input closely in the
/// same memory.
#pragma once

#include "dot_helium.h"
#include "finish_helium.h"
#include "gather_helium.h"

/// What stays the same from pixel to pixel of a call.
typedef struct {
  helium_tables tables;
  int32_t channels;
  helium_dot_job dot;
  helium_finish_job finish;
} conv2d_helium_call;

static inline conv2d_helium_call conv2d_helium_prepare(const conv2d_helium_args *a) {
  const int32_t length = a->kernel_w * a->kernel_h * a->in_c;
  const int32_t groups = a->out_c / 3;
  const helium_tables t = {a->bias, a->multiplier, a->shift, a->y_zero, a->low, a->high};
  return (conv2d_helium_call){
      t,
      a->out_c,
      {a->x, a->x, a->w, length, a->scratch, (length + 15) & ~15, groups, a->out_c - 3 * groups},
      {a->scratch, t.bias, t.multiplier, t.shift, a->y, a->y, t.zero, a->out_c / 4, t.low, t.high}};
}

/// A conv2d_helium_strip, but for the rounding, which must be a constant.
static inline void conv2d_helium_run(conv2d_helium_call *call, const int8_t *x, int32_t step,
                                     int32_t pixels, int8_t *y, helium_rescaling how) {
  const int32_t channels = call->channels;
  for (int32_t left = pixels; left > 0; left -= 2) {
    if (left == 1) { // an odd last pixel is computed twice
      step = 0;
    }
    call->dot.x0 = x;
    call->dot.x1 = x + step;
    call->finish.y0 = y;
    call->finish.y1 = left == 1 ? y : y + channels;
    helium_dot_pair(&call->dot);
    helium_finish_pair(&call->finish, &call->tables, channels, how);
    x += 2 * step;
    y += 2 * channels;
  }
}

static inline void conv2d_helium_core(const conv2d_helium_args *a, tw_span work,
                                      conv2d_helium_strip *strip) {
  conv2d_helium_call call = conv2d_helium_prepare(a);
  int8_t *const columns = (int8_t *)(a->scratch + 2 * ((a->out_c + 3) & ~3));
  helium_start(&call.tables, a->out_c, a->scratch);
  conv2d_helium_pixels(a, work, columns, strip, &call);
}
