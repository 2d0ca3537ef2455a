/// Depthwise convolution: where windows lie, and the walk over their channels.
#pragma once

#include "depthwise_s8_dsp_fours.h"
#include "dsp_border.h"

/// Windows of three rows and columns, and any; each has its functions.
typedef enum { DEPTHWISE_S8_DSP_3X3, DEPTHWISE_S8_DSP_ANY } depthwise_s8_dsp_kind;

/// Bytes of four channels whose sums are there, the last that were read.
static inline void depthwise_s8_dsp_write(depthwise_s8_dsp_pixels *p, dsp_way way) {
  const int32_t *const tails = p->block - 2 * DSP_TAIL_WORDS;
  for (int32_t i = 0; i < 4; i++) {
    *p->y++ = dsp_finish(p->sums[i], tails + i / 2 * DSP_TAIL_WORDS, i % 2, p->zero, way);
  }
}

/// What comes after four channels: more, the odd ones, or the next pixel.
static inline void depthwise_s8_dsp_advance(depthwise_s8_dsp_pixels *p) {
  if (--p->fours > 0) {
    return;
  }
  if (p->odd > 0 && p->parked == NULL) {
    p->x -= 4 - p->odd;
    p->parked = p->y;
    p->y = p->last;
    p->fours = 1;
    return;
  }
  if (p->odd > 0) {
    memcpy(p->parked, p->last + (4 - p->odd), (size_t)p->odd);
    p->y = p->parked + p->odd;
    p->parked = NULL;
  }
  if (--p->pixels > 0) {
    p->x += p->skip;
    p->block = p->first;
    p->fours = p->all_fours;
  }
}

/// All channels of neighbouring pixels. `way` and `kind` must be constants.
DSP_INLINE void depthwise_s8_dsp_channels(depthwise_s8_dsp_pixels *p, int32_t is_wide, dsp_way way,
                                          depthwise_s8_dsp_kind kind) {
  const depthwise_s8_dsp_form form = {way == DSP_DOUBLE, kind == DEPTHWISE_S8_DSP_3X3, 4};
  while (p->pixels > 0) {
    if (is_wide) {
      depthwise_s8_dsp_next_fours(p, 1, form);
    } else {
      depthwise_s8_dsp_next_fours(p, 0, form);
    }
    if (p->pixels > 0) {
      depthwise_s8_dsp_write(p, way);
      depthwise_s8_dsp_advance(p);
    }
  }
}

/// Copies the window at (top, left) to `window`, padding with x_zero. `kind` must be a constant.
DSP_INLINE void depthwise_s8_dsp_gather(const depthwise_s8_dsp_args *a, const int8_t *image,
                                        int32_t top, int32_t left, int8_t *window,
                                        depthwise_s8_dsp_kind kind) {
  const dsp_scene scene = {image, a->in_h, a->in_w, a->channels, a->x_zero};
  if (kind == DEPTHWISE_S8_DSP_ANY && (a->dilation_h > 1 || a->dilation_w > 1)) {
    const dsp_comb comb = {a->kernel_h, a->kernel_w, a->dilation_h, a->dilation_w, a->channels};
    dsp_copy_comb(&scene, &comb, top, left, window);
    return;
  }
  const tw_span rows = {top, top + a->kernel_h}, columns = {left, left + a->kernel_w};
  dsp_copy_window(&scene, rows, columns, a->kernel_w * a->channels, window);
}

/// Rows and columns of the input from the first to the last that one window covers.
DSP_INLINE int32_t depthwise_s8_dsp_extent(int32_t kernel, int32_t dilation,
                                           depthwise_s8_dsp_kind kind) {
  return kind == DEPTHWISE_S8_DSP_3X3 ? kernel : (kernel - 1) * dilation + 1;
}

/// What a window's loops want; one column is taken as a row. The assembly for 3x3 windows has no
/// loops. `kind` must be a constant.
DSP_INLINE void depthwise_s8_dsp_walk(const depthwise_s8_dsp_args *a, depthwise_s8_dsp_pixels *p,
                                      int32_t step, int32_t row, depthwise_s8_dsp_kind kind) {
  p->step = step;
  p->row = row;
  if (DSP_ASSEMBLY && kind == DEPTHWISE_S8_DSP_3X3) {
    return;
  }
  const int32_t is_column = a->kernel_w == 1;
  p->taps = is_column ? a->kernel_h : a->kernel_w;
  p->rows = is_column ? 1 : a->kernel_h;
  if (is_column) {
    p->step = row;
    p->row = 0;
  }
  p->back = p->rows * p->row - 4;
}

/// How many windows from column `left` of the input on, `count` at most, lie inside it.
DSP_INLINE int32_t depthwise_s8_dsp_inside(const depthwise_s8_dsp_args *a, int32_t left,
                                           int32_t count, depthwise_s8_dsp_kind kind) {
  const int32_t room = a->in_w - depthwise_s8_dsp_extent(a->kernel_w, a->dilation_w, kind) - left;
  return left < 0 || room < 0 ? 0 : tw_min(room / a->stride_w + 1, count);
}
