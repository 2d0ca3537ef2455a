/// Depthwise convolution channel by channel: four channels of some rows become planes with padding,
/// in which neighbours of one row are one word, and a row of the window is one dot product.
#pragma once

#include <string.h>

#include "depthwise_xpulp.h"
#include "xp_requantise.h"

enum { DEPTHWISE_XPULP_LEFT = 4 }; // bytes before the first column of a plane's row

/// The rows of one item: where they come from, and their planes.
typedef struct {
  const int8_t *x; // the image, at the group's first channel
  int32_t top;     // input row of the planes' first row; may be padding
  int32_t rows;
  int8_t *plane;   // of the first channel
  int32_t size;    // bytes of a plane
} depthwise_xpulp_planes;

/// What one channel's outputs have in common.
typedef struct {
  const int8_t *w;
  int32_t bias, multiplier, shift;
} depthwise_xpulp_channel;

/// Four channels of four pixels become four pixels of four channels, each word where `to` says.
static inline void depthwise_xpulp_turn(const int8_t *from, int32_t step, int8_t *to,
                                        int32_t size) {
  int32_t a = xp_load(from), b = xp_load(from + step);
  int32_t c = xp_load(from + 2 * step), d = xp_load(from + 3 * step);
  int32_t ab = a, cd = c;
  ab = pv_shuffle2_b(ab, b, 0x05010400); // a0 b0 a1 b1
  cd = pv_shuffle2_b(cd, d, 0x05010400);
  a = pv_shuffle2_b(a, b, 0x07030602); // a2 b2 a3 b3
  c = pv_shuffle2_b(c, d, 0x07030602);
  xp_store(to, pv_pack_h(cd, ab));
  xp_store(to + size, pv_shuffle2_h(ab, cd, 0x00030001));
  xp_store(to + 2 * size, pv_pack_h(c, a));
  xp_store(to + 3 * size, pv_shuffle2_h(a, c, 0x00030001));
}

/// Fills the planes. What lies beyond the last column a window reaches is never multiplied by
/// anything but zero.
static inline void depthwise_xpulp_fill(const depthwise_xpulp_args *a,
                                        const depthwise_xpulp_planes *p) {
  const int32_t zeros = (a->x_zero & 0xff) * 0x01010101;
  const int32_t step = a->channels;
  for (int32_t r = 0; r < p->rows; ++r) {
    const int32_t row = p->top + r;
    int8_t *to = p->plane + r * a->pitch;
    if (row < 0 || row >= a->in_h) {
      for (int32_t c = 0; c < 4; ++c) {
        memset(to + c * p->size, a->x_zero, (size_t)a->pitch);
      }
      continue;
    }
    const int8_t *from = p->x + row * a->in_w * step;
    int8_t *at = to + DEPTHWISE_XPULP_LEFT;
    for (int32_t column = 0; column < a->in_w; column += 4, at += 4, from += 4 * step) {
      depthwise_xpulp_turn(from, step, at, p->size);
    }
    for (int32_t c = 0; c < 4; ++c, to += p->size) {
      xp_store(to, zeros);
      for (int32_t at_x = DEPTHWISE_XPULP_LEFT + a->in_w; at_x < a->pitch - 3; at_x += 4) {
        xp_store(to + at_x, zeros);
      }
    }
  }
}

static inline int8_t depthwise_xpulp_one(int32_t acc, const depthwise_xpulp_channel *c,
                                         const xp_output *out, tw_rounding rounding,
                                         int32_t positive) {
  const int32_t v = rounding == TW_ROUND_DOUBLE && c->shift < 0
                        ? xp_rescale_any(acc, c->multiplier, c->shift, rounding)
                        : xp_rescale(acc, c->multiplier, c->shift, rounding, positive);
  return (int8_t)(xp_clip(v, out, positive) + out->zeros);
}

/// One output row of one channel, 3x3 window: two pixels at a time.
static inline void depthwise_xpulp_row3(const depthwise_xpulp_args *a, const int8_t *x, int8_t *y,
                                        const depthwise_xpulp_channel *c, const xp_output *out,
                                        tw_rounding rounding, int32_t positive) {
  const int32_t w0 = xp_load(c->w), w1 = xp_load(c->w + 4), w2 = xp_load(c->w + 8);
  const int8_t *x1 = x + a->pitch, *x2 = x1 + a->pitch;
  const int32_t step = a->stride_w;
  for (int32_t left = a->out_w; left > 0; left -= 2) {
    const int32_t p0 = p_lw_post(&x, step), p1 = p_lw_post(&x1, step), p2 = p_lw_post(&x2, step);
    const int32_t q0 = p_lw_post(&x, step), q1 = p_lw_post(&x1, step), q2 = p_lw_post(&x2, step);
    const int32_t p = pv_sdotsp_b(pv_sdotsp_b(pv_sdotsp_b(c->bias, p0, w0), p1, w1), p2, w2);
    const int32_t q = pv_sdotsp_b(pv_sdotsp_b(pv_sdotsp_b(c->bias, q0, w0), q1, w1), q2, w2);
    *y = depthwise_xpulp_one(p, c, out, rounding, positive);
    y += a->channels;
    if (left > 1) {
      *y = depthwise_xpulp_one(q, c, out, rounding, positive);
      y += a->channels;
    }
  }
}

/// One output row of one channel, any window.
static inline void depthwise_xpulp_row(const depthwise_xpulp_args *a, const int8_t *x, int8_t *y,
                                       const depthwise_xpulp_channel *c, const xp_output *out,
                                       tw_rounding rounding) {
  for (int32_t column = 0; column < a->out_w; ++column, x += a->stride_w, y += a->channels) {
    const int8_t *w = c->w;
    int32_t acc = c->bias;
    for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
      for (int32_t kx = 0; kx < a->kernel_w; kx += 4, w += 4) {
        acc = pv_sdotsp_b(acc, xp_load(x + ky * a->pitch + kx), xp_load(w));
      }
    }
    *y = depthwise_xpulp_one(acc, c, out, rounding, 0);
  }
}

/// Output rows [start, stop) of one channel.
static inline void depthwise_xpulp_rows(const depthwise_xpulp_args *a, const int8_t *x, int8_t *y,
                                        int32_t rows, const depthwise_xpulp_channel *c,
                                        const xp_output *out, tw_rounding rounding) {
  const int32_t is_3x3 = a->kernel_h == 3 && a->kernel_w == 3;
  for (int32_t row = 0; row < rows; ++row) {
    if (is_3x3 && c->shift >= 0 && out->is_positive) {
      depthwise_xpulp_row3(a, x, y, c, out, rounding, 1);
    } else if (is_3x3) {
      depthwise_xpulp_row3(a, x, y, c, out, rounding, 0);
    } else {
      depthwise_xpulp_row(a, x, y, c, out, rounding);
    }
    x += a->stride_h * a->pitch;
    y += a->out_w * a->channels;
  }
}

static inline void depthwise_xpulp_item(const depthwise_xpulp_args *a, int32_t item,
                                        int8_t *scratch, const xp_output *out,
                                        tw_rounding rounding) {
  const int32_t blocks = (a->out_h + a->item_rows - 1) / a->item_rows;
  const int32_t groups = (a->channels + 3) >> 2;
  const int32_t group_of_all = item / blocks, row = (item - group_of_all * blocks) * a->item_rows;
  const int32_t image = group_of_all / groups, channel = 4 * (group_of_all - image * groups);
  const int32_t rows = p_min(a->out_h - row, a->item_rows);
  const int32_t taken = (rows - 1) * a->stride_h + a->kernel_h;
  const depthwise_xpulp_planes planes = {
      a->x + image * a->in_h * a->in_w * a->channels + channel, row * a->stride_h - a->pad_top,
      taken, scratch, taken * a->pitch};
  depthwise_xpulp_fill(a, &planes);
  int8_t *y = a->y + (image * a->out_h + row) * a->out_w * a->channels + channel;
  const int32_t window = a->kernel_h * ((a->kernel_w + 3) & ~3);
  const int32_t channels = p_min(a->channels - channel, 4);
  for (int32_t i = 0; i < channels; ++i) {
    const int32_t at = channel + i;
    const depthwise_xpulp_channel c = {a->w + at * window, a->bias[at], a->multiplier[at],
                                       a->shift[at]};
    const int8_t *x = scratch + i * planes.size + DEPTHWISE_XPULP_LEFT - a->pad_left;
    depthwise_xpulp_rows(a, x, y + i, rows, &c, out, rounding);
  }
}

static inline void depthwise_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const depthwise_xpulp_args *a = args;
  const xp_output out = xp_output_of(a->low, a->high, a->y_zero);
  for (int32_t item = work.start; item < work.stop; ++item) {
    depthwise_xpulp_item(a, item, work.scratch, &out, rounding);
  }
}
