/// Convolution as dot products of contiguous rows, two output pixels at a time.
///
/// All reads of two pixels come before their writes, so output may follow input closely in the
/// same memory.
#pragma once

#include "dot_helium.h"
#include "finish_helium.h"
#include "gather_helium.h"

/// Turns the sums of two pixels into int8, see finish_helium.h.
typedef void conv2d_helium_finish(const helium_finish_job *job, int32_t channels);

/// What stays the same from pixel to pixel of a call.
typedef struct {
  int32_t channels;
  conv2d_helium_finish *finish;
  helium_dot_job dot;
  helium_finish_job job;
  int32_t w_zero;
} conv2d_helium_call;

static void conv2d_helium_run(void *whole, const int8_t *x, int32_t step, int32_t pixels,
                              int8_t *y) {
  conv2d_helium_call *const call = whole;
  const int32_t channels = call->channels;
  for (int32_t left = pixels; left > 0; left -= 2) {
    const int32_t second = left > 1; // an odd last pixel is computed twice
    call->dot.x0 = x;
    call->dot.x1 = x + second * step;
    call->job.y0 = y;
    call->job.y1 = y + second * channels;
    helium_dot_pair(&call->dot);
    call->finish(&call->job, channels);
    x += 2 * step;
    y += 2 * channels;
  }
}

static inline void conv2d_helium_core(const conv2d_helium_args *a, tw_work work,
                                      conv2d_helium_finish *finish, conv2d_helium_strip *run) {
  const int32_t length = a->kernel_w * a->kernel_h * a->in_c, groups = a->out_c / 3;
  int32_t *const sums = work.scratch;
  int8_t *const columns = (int8_t *)(sums + 2 * ((a->out_c + 3) & ~3));
  conv2d_helium_call call = {
      a->out_c,
      finish,
      {a->x, a->x, a->w, length, sums, (length + 15) & ~15, groups, a->out_c - 3 * groups},
      {sums, a->bias, a->multiplier, a->shift, a->y, a->y, a->y_zero, a->out_c / 4, a->low,
       a->high},
      a->w_zero};
  helium_start(a->bias, a->out_c, sums);
  conv2d_helium_pixels(a, work, columns, run, &call);
}
