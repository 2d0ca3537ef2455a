/// Pooling windows of an NHWC tensor, clipped to the input, four channels at a time.
#pragma once

#include <stddef.h>

#include "dsp_bytes.h"
#include "tilewright.h"
#include "tw_arithmetic.h"

/// The geometry of pooling: the members in_h .. channels of the kernels' argument structs, in their
/// order.
typedef struct {
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t channels; // at least 4
} dsp_pooling;

/// The geometry in an argument struct, `offset` bytes from its start.
static inline const dsp_pooling *dsp_pooling_at(const void *args, size_t offset) {
  return (const dsp_pooling *)(const void *)((const int8_t *)args + offset);
}

/// The part of one window that lies inside the input; both counts are 0 where there is none.
typedef struct {
  const int8_t *x;
  int32_t rows, row_step, columns, column_step; // steps in bytes
} dsp_window;

/// Taps [first, stop) of one window axis.
typedef struct {
  int32_t first, count;
} dsp_taps;

/// Functions that are called from several places; small cores have little flash.
#if defined(__GNUC__)
#define DSP_SHARED static __attribute__((noinline))
#else
#define DSP_SHARED static
#endif

DSP_SHARED dsp_taps dsp_taps_inside(int32_t origin, int32_t kernel, int32_t dilation,
                                    int32_t extent) {
  int32_t first = 0;
  for (; origin < 0; origin += dilation) {
    first++;
  }
  const int32_t left = (extent - origin + dilation - 1) / dilation;
  return (dsp_taps){first, tw_max(tw_min(kernel - first, left), 0)};
}

static inline dsp_window dsp_window_at(const int8_t *x, const dsp_pooling *p, int32_t pixel) {
  const int32_t line = pixel / p->out_w, channels = p->channels;
  const int32_t top = line % p->out_h * p->stride_h - p->pad_top;
  const int32_t left = pixel % p->out_w * p->stride_w - p->pad_left;
  const dsp_taps down = dsp_taps_inside(top, p->kernel_h, p->dilation_h, p->in_h);
  const dsp_taps across = dsp_taps_inside(left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t row = line / p->out_h * p->in_h + top + down.first * p->dilation_h;
  const int32_t column = left + across.first * p->dilation_w;
  const int32_t is_empty = down.count == 0 || across.count == 0;
  return (dsp_window){x + (row * p->in_w + column) * channels, is_empty ? 0 : down.count,
                      p->dilation_h * p->in_w * channels, is_empty ? 0 : across.count,
                      p->dilation_w * channels};
}

/// Sums over a window of at most DSP_MOST_SUMMED elements, for four channels from `channel` on.
static inline dsp_sums dsp_sum_window(const dsp_window *w, int32_t channel) {
  const int8_t *x = w->x + channel;
  dsp_sums sums = {0, 0};
  for (int32_t rows = w->rows; rows > 0; rows--, x += w->row_step) {
    sums = dsp_sum_column(sums, x, w->columns, w->column_step);
  }
  return sums;
}
