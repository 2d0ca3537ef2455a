/// Convolution by blocks of four neighbouring pixels. Where columns are whole words, windows are read
/// where they lie; only at the image's edge, and for what is left over of a row, a strip of columns
/// is copied and padded. Other windows are gathered pixel by pixel.
#pragma once

#include <string.h>

#include "conv2d_xpulp.h"
#include "dot_xpulp.h"

enum { CONV2D_XPULP_PIXELS = 4 };

/// The row and column of the window's corner for one output pixel, and its image.
typedef struct {
  const int8_t *image;
  int32_t top, left;
} conv2d_xpulp_corner;

static inline conv2d_xpulp_corner conv2d_xpulp_at(const conv2d_xpulp_args *a, int32_t pixel) {
  const int32_t row = a->out_h == 1 && pixel < a->out_w ? 0 : pixel / a->out_w;
  const int32_t image = row < a->out_h ? 0 : row / a->out_h;
  return (conv2d_xpulp_corner){
      a->x + image * a->in_h * a->in_w * a->in_c,
      (row - image * a->out_h) * a->stride_h - a->pad_top,
      (pixel - row * a->out_w) * a->stride_w - a->pad_left,
  };
}

/// Copies `columns` columns from (row, left) on, with padding where there is no input; whole words
/// where `is_whole`.
static inline void conv2d_xpulp_row(const conv2d_xpulp_args *a, const conv2d_xpulp_corner *at,
                                    int32_t row, int32_t columns, int32_t is_whole, int8_t *to) {
  const int32_t in_c = a->in_c;
  int32_t before = p_min(p_max(-at->left, 0), columns);
  int32_t inside = p_min(p_max(a->in_w - at->left, 0), columns) - before;
  if (row < 0 || row >= a->in_h || inside < 0) {
    before = columns;
    inside = 0;
  }
  memset(to, a->x_zero, (size_t)(before * in_c));
  to += before * in_c;
  const int8_t *from = at->image + (row * a->in_w + at->left + before) * in_c;
  if (is_whole) {
    xp_copy_words(to, from, inside * in_c >> 2);
  } else {
    int32_t left = inside * in_c;
    int8_t *out = to;
    for (; left >= 4; left -= 4, out += 4, from += 4) {
      xp_store(out, xp_load(from));
    }
    for (; left > 0; --left) {
      *out++ = *from++;
    }
  }
  to += inside * in_c;
  memset(to, a->x_zero, (size_t)((columns - before - inside) * in_c));
}

/// The window of one pixel as one run.
static inline void conv2d_xpulp_gather(const conv2d_xpulp_args *a, const conv2d_xpulp_corner *at,
                                       int8_t *to) {
  for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
    const int32_t row = at->top + ky * a->dilation_h;
    if (a->dilation_w == 1) {
      conv2d_xpulp_row(a, at, row, a->kernel_w, 0, to);
      to += a->kernel_w * a->in_c;
      continue;
    }
    for (int32_t kx = 0; kx < a->kernel_w; ++kx, to += a->in_c) {
      const conv2d_xpulp_corner one = {at->image, at->top, at->left + kx * a->dilation_w};
      conv2d_xpulp_row(a, &one, row, 1, 0, to);
    }
  }
}

/// Where pixels [pixel, pixel + pixels) of one output row find their windows; strips go to `scratch`.
static inline dot_xpulp_four conv2d_xpulp_strip(const conv2d_xpulp_args *a, int32_t pixel,
                                                int32_t pixels, int8_t *scratch) {
  const conv2d_xpulp_corner at = conv2d_xpulp_at(a, pixel);
  const int32_t columns = (CONV2D_XPULP_PIXELS - 1) * a->stride_w + a->kernel_w;
  const int32_t pitch = a->in_w * a->in_c, run = 4 * a->words;
  if (pixels == CONV2D_XPULP_PIXELS && at.top >= 0 && at.left >= 0 &&
      at.left + columns <= a->in_w && at.top + (a->rows - 1) * a->dilation_h < a->in_h) {
    return (dot_xpulp_four){at.image + at.top * pitch + at.left * a->in_c, a->stride_w * a->in_c,
                            a->dilation_h * pitch - run, a->words, a->rows};
  }
  const int32_t needed = (pixels - 1) * a->stride_w + a->kernel_w;
  for (int32_t ky = 0; ky < a->rows; ++ky) {
    conv2d_xpulp_row(a, &at, at.top + ky * a->dilation_h, needed, 1,
                     scratch + ky * columns * a->in_c);
  }
  return (dot_xpulp_four){scratch, a->stride_w * a->in_c, columns * a->in_c - run, a->words,
                          a->rows};
}

/// All channels of up to four pixels.
static inline void conv2d_xpulp_channels(const conv2d_xpulp_args *a, const dot_xpulp_four *four,
                                         int32_t pixel, int32_t pixels, const xp_output *out,
                                         tw_rounding rounding) {
  const int32_t size = 16 * a->words * four->rows;
  dot_xpulp_rows r = {a->w, a->bias, a->multiplier, a->shift};
  dot_xpulp_to to = {a->y + pixel * a->out_c, a->out_c, pixels, 4};
  for (int32_t c = 0; c < a->out_c; c += 4) {
    to.channels = p_min(a->out_c - c, 4);
    if (out->is_positive) {
      dot_xpulp_block(four, &r, out, &to, rounding, 1);
    } else {
      dot_xpulp_block(four, &r, out, &to, rounding, 0);
    }
    r.w += size;
    r.bias += 4;
    r.multiplier += 4;
    r.shift += 4;
    to.y += 4;
  }
}

static inline void conv2d_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const conv2d_xpulp_args *a = args;
  const xp_output out = xp_output_of(a->low, a->high, a->y_zero);
  int8_t *const scratch = work.scratch;
  for (int32_t pixel = work.start; pixel < work.stop;) {
    int32_t pixels = p_min(work.stop - pixel, CONV2D_XPULP_PIXELS);
    dot_xpulp_four four = {scratch, 4 * a->words, 0, a->words, 1};
    if (a->rows != 0) {
      pixels = p_min(pixels, a->out_w - (a->out_h == 1 ? pixel : pixel % a->out_w));
      four = conv2d_xpulp_strip(a, pixel, pixels, scratch);
    } else {
      for (int32_t p = 0; p < pixels; ++p) {
        const conv2d_xpulp_corner at = conv2d_xpulp_at(a, pixel + p);
        conv2d_xpulp_gather(a, &at, scratch + p * 4 * a->words);
      }
    }
    conv2d_xpulp_channels(a, &four, pixel, pixels, &out, rounding);
    pixel += pixels;
  }
}
