/// Windows of average pools, and their sums, whichever way these become means.
#pragma once

#include <arm_mve.h>
#include <stddef.h>

#include "taps_helium.h"
#include "tilewright.h"

/// The members in_h .. channels of the kernels' argument structs, in their order.
typedef struct {
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels;
} helium_pooling;

/// These in an argument struct, `offset` bytes from its start.
static inline const helium_pooling *helium_pooling_at(const void *args, size_t offset) {
  return (const helium_pooling *)(const void *)((const int8_t *)args + offset);
}

/// The part of one window that lies inside the input; steps in bytes.
typedef struct {
  const int8_t *x;
  int32_t rows, row_step, columns, column_step;
} helium_pool_window;

static inline helium_pool_window helium_pool_window_at(const int8_t *x, const helium_pooling *p,
                                                       int32_t pixel) {
  const int32_t line = pixel / p->out_w;
  const int32_t top = line % p->out_h * p->stride_h - p->pad_top;
  const int32_t left = pixel % p->out_w * p->stride_w - p->pad_left;
  const helium_taps rows = helium_taps_inside(top, p->kernel_h, p->dilation_h, p->in_h);
  const helium_taps columns = helium_taps_inside(left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t row_step = p->dilation_h * p->in_w * p->channels;
  const int32_t column_step = p->dilation_w * p->channels;
  const int8_t *const image = x + line / p->out_h * p->in_h * p->in_w * p->channels;
  return (helium_pool_window){image + (top * p->in_w + left) * p->channels + rows.first * row_step +
                                  columns.first * column_step,
                              rows.stop - rows.first, row_step, columns.stop - columns.first,
                              column_step};
}

/// Sums of eight channels from c on: 256 elements of int8 fit in int16.
static inline int16x8_t helium_pool_sums(const helium_pool_window *window, int32_t c,
                                         mve_pred16_t lanes) {
  int16x8_t sum = vdupq_n_s16(0);
  const int8_t *x = window->x + c;
  for (int32_t i = 0; i < window->rows; i++, x += window->row_step) {
    const int8_t *at = x;
    for (int32_t j = 0; j < window->columns; j++, at += window->column_step) {
      sum = vaddq_s16(sum, vldrbq_z_s16(at, lanes));
    }
  }
  return sum;
}

/// Eight int32 results, those of even channels and of odd ones, clipped and written.
static inline void helium_pool_write(int8_t *y, int32x4_t even, int32x4_t odd, int32_t low,
                                     int32_t high, mve_pred16_t lanes) {
  const int16x8_t means = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), even), odd);
  const int16x8_t least = vdupq_n_s16((int16_t)low), most = vdupq_n_s16((int16_t)high);
  vstrbq_p_s16(y, vminq_s16(vmaxq_s16(means, least), most), lanes);
}
