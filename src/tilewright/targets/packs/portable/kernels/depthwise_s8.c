/// Depthwise convolution, vectorised over channels: up to nine elements of the window are summed in
/// one pass over the channels.
///
/// A pixel's accumulators are complete before it is written, so output may follow input closely in
/// the same memory.
#include <string.h>

#include "depthwise_s8.h"
#include "requantise_s8.h"

enum { DEPTHWISE_TAPS = 9 }; // window elements that share one pass over the channels

/// Some elements of one pixel's window: where their channels start, and their weights.
typedef struct {
  const int8_t *x[DEPTHWISE_TAPS]; // [in_c] each; padding points at a row of x_zero
  const int8_t *w[DEPTHWISE_TAPS]; // [out_c] each
  int32_t count;
} depthwise_s8_taps;

/// acc[c] += the sum of nine products. Accumulators lie in scratch, which nothing else overlaps.
static inline void depthwise_s8_add_nine(const depthwise_s8_taps *t, int32_t channels,
                                         int32_t *restrict acc) {
  const int8_t *x0 = t->x[0], *x1 = t->x[1], *x2 = t->x[2], *x3 = t->x[3], *x4 = t->x[4];
  const int8_t *x5 = t->x[5], *x6 = t->x[6], *x7 = t->x[7], *x8 = t->x[8];
  const int8_t *w0 = t->w[0], *w1 = t->w[1], *w2 = t->w[2], *w3 = t->w[3], *w4 = t->w[4];
  const int8_t *w5 = t->w[5], *w6 = t->w[6], *w7 = t->w[7], *w8 = t->w[8];
  for (int32_t c = 0; c < channels; c++) {
    acc[c] += x0[c] * w0[c] + x1[c] * w1[c] + x2[c] * w2[c] + x3[c] * w3[c] + x4[c] * w4[c] +
              x5[c] * w5[c] + x6[c] * w6[c] + x7[c] * w7[c] + x8[c] * w8[c];
  }
}

/// acc[c] += x[c] * w[c]; with several output channels per input channel, x[c / multiplier].
static inline void depthwise_s8_add_one(const int8_t *x, const int8_t *w, int32_t in_c,
                                        int32_t multiplier, int32_t *restrict acc) {
  if (multiplier == 1) {
    for (int32_t c = 0; c < in_c; c++) {
      acc[c] += x[c] * w[c];
    }
    return;
  }
  for (int32_t c = 0; c < in_c; c++) {
    for (int32_t m = 0; m < multiplier; m++, w++, acc++) {
      *acc += x[c] * *w;
    }
  }
}

/// acc[c] -= w_zero * x[c]: the part of the products that the weights' zero point adds.
static inline void depthwise_s8_recentre(const int8_t *x, int32_t w_zero, int32_t in_c,
                                         int32_t multiplier, int32_t *restrict acc) {
  for (int32_t c = 0; c < in_c; c++) {
    for (int32_t m = 0; m < multiplier; m++, acc++) {
      *acc -= x[c] * w_zero;
    }
  }
}

static inline void depthwise_s8_add(const depthwise_s8_args *a, const depthwise_s8_taps *taps,
                                    int32_t *acc) {
  const int32_t multiplier = a->out_c / a->in_c;
  if (multiplier == 1 && taps->count == DEPTHWISE_TAPS) {
    depthwise_s8_add_nine(taps, a->in_c, acc);
  } else {
    for (int32_t i = 0; i < taps->count; i++) {
      depthwise_s8_add_one(taps->x[i], taps->w[i], a->in_c, multiplier, acc);
    }
  }
  for (int32_t i = 0; a->w_zero != 0 && i < taps->count; i++) {
    depthwise_s8_recentre(taps->x[i], a->w_zero, a->in_c, multiplier, acc);
  }
}

/// All accumulators of the window whose corner is at (top, left).
static inline void depthwise_s8_window(const depthwise_s8_args *a, const int8_t *image,
                                       const int8_t *padding, int32_t top, int32_t left,
                                       int32_t *acc) {
  depthwise_s8_taps taps = {.count = 0};
  const int8_t *w = a->w;
  memset(acc, 0, (size_t)a->out_c * sizeof(int32_t));
  for (int32_t ky = 0; ky < a->kernel_h; ky++) {
    const int32_t y = top + ky * a->dilation_h;
    const int8_t *row = y >= 0 && y < a->in_h ? image + y * a->in_w * a->in_c : 0;
    for (int32_t kx = 0; kx < a->kernel_w; kx++, w += a->out_c) {
      const int32_t x = left + kx * a->dilation_w;
      taps.x[taps.count] = row != 0 && x >= 0 && x < a->in_w ? row + x * a->in_c : padding;
      taps.w[taps.count] = w;
      taps.count++;
      if (taps.count == DEPTHWISE_TAPS) {
        depthwise_s8_add(a, &taps, acc);
        taps.count = 0;
      }
    }
  }
  depthwise_s8_add(a, &taps, acc);
}

static inline void depthwise_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const depthwise_s8_args *a = args;
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  int32_t *const acc = work.scratch;
  int8_t *padding = (int8_t *)(acc + a->out_c);
  memset(padding, a->x_zero, (size_t)a->in_c);
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t row = pixel / a->out_w;
    const int32_t top = row % a->out_h * a->stride_h - a->pad_top;
    const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
    const int8_t *image = a->x + row / a->out_h * a->in_h * a->in_w * a->in_c;
    depthwise_s8_window(a, image, padding, top, left, acc);
    requantise_s8(acc, 0, a->out_c, &tables, rounding, a->y + pixel * a->out_c);
  }
}

void depthwise_s8_double(const void *args, tw_work work) {
  depthwise_s8_core(args, work, TW_ROUND_DOUBLE);
}

void depthwise_s8_half_even(const void *args, tw_work work) {
  depthwise_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void depthwise_s8_half_up(const void *args, tw_work work) {
  depthwise_s8_core(args, work, TW_ROUND_HALF_UP);
}
