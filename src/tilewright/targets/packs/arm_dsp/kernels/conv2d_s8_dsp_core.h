/// Convolution as matrix product over four patches at a time: gather, then multiply.
///
/// All reads of a block of pixels come before its writes, so output may follow input closely in
/// the same memory.
#pragma once

#include "conv2d_s8_dsp.h"
#include "dsp_products.h"

/// `count` elements of padding.
static inline int8_t *conv2d_s8_dsp_pad(int8_t *bytes, int32_t count, int32_t value) {
  for (; count > 0; count--) {
    *bytes++ = (int8_t)value;
  }
  return bytes;
}

static inline int8_t *conv2d_s8_dsp_copy(int8_t *bytes, const int8_t *x, int32_t count) {
  for (; count >= 4; count -= 4, bytes += 4, x += 4) {
    memcpy(bytes, x, 4);
  }
  for (; count > 0; count--) {
    *bytes++ = *x++;
  }
  return bytes;
}

/// One row of a window: input row `y` from column `left` on, padded. Returns where the next goes.
static inline int8_t *conv2d_s8_dsp_row(const conv2d_s8_dsp_args *a, const int8_t *image, int32_t y,
                                        int32_t left, int8_t *bytes) {
  if (y < 0 || y >= a->in_h) {
    return conv2d_s8_dsp_pad(bytes, a->kernel_w * a->in_c, a->x_zero);
  }
  const int32_t before = tw_clip(-left, 0, a->kernel_w);
  const int32_t after = tw_clip(left + a->kernel_w - a->in_w, 0, a->kernel_w - before);
  const int32_t inside = a->kernel_w - before - after;
  bytes = conv2d_s8_dsp_pad(bytes, before * a->in_c, a->x_zero);
  if (inside > 0) {
    const int8_t *const x = image + (y * a->in_w + left + before) * a->in_c;
    bytes = conv2d_s8_dsp_copy(bytes, x, inside * a->in_c);
  }
  return conv2d_s8_dsp_pad(bytes, after * a->in_c, a->x_zero);
}

/// A window that reaches beyond the input, padded, in rows of `length` bytes.
DSP_TILE static void conv2d_s8_dsp_border(const conv2d_s8_dsp_args *a, const int8_t *image,
                                          int32_t top, int32_t left, int32_t length,
                                          int8_t *bytes) {
  for (int32_t y = top; y < top + a->kernel_h; y++, bytes += length) {
    int8_t *const end = conv2d_s8_dsp_row(a, image, y, left, bytes);
    conv2d_s8_dsp_pad(end, (int32_t)(bytes + length - end), 0);
  }
}

/// The window of output pixel `pixel`, widened, as one of `pitch` interleaved rows. Each row of a
/// window fills whole words: behind its end lie bytes that meet weights of zero. A window that
/// reaches beyond the input, or whose last word would, goes through `bytes`.
DSP_TILE static void conv2d_s8_dsp_gather(const conv2d_s8_dsp_args *a, int32_t pixel,
                                          uint32_t *wide, int32_t pitch, int8_t *bytes) {
  const int32_t line = pixel / a->out_w, image_number = line / a->out_h;
  const int32_t top = (line - image_number * a->out_h) * a->stride_h - a->pad_top;
  const int32_t left = (pixel - line * a->out_w) * a->stride_w - a->pad_left;
  const int32_t stride = a->in_w * a->in_c, bottom = top + a->kernel_h;
  const int32_t length = (a->kernel_w * a->in_c + 3) / 4 * 4;
  const int8_t *const image = a->x + image_number * a->in_h * stride;
  const int8_t *x = image + (top * stride + left * a->in_c);
  int32_t step = stride;
  if (top < 0 || left < 0 || bottom > a->in_h || left + a->kernel_w > a->in_w ||
      (bottom == a->in_h && left * a->in_c + length > stride)) {
    conv2d_s8_dsp_border(a, image, top, left, length, bytes);
    x = bytes;
    step = length;
  }
  for (int32_t row = a->kernel_h; row > 0; row--, x += step) {
    wide = dsp_widen(x, length, wide, pitch);
  }
}

/// Whether every output pixel is the input pixel of the same number.
static inline int32_t conv2d_s8_dsp_is_pointwise(const conv2d_s8_dsp_args *a) {
  return a->kernel_h * a->kernel_w * a->stride_h * a->stride_w == 1 && a->in_h == a->out_h &&
         a->in_w == a->out_w && a->pad_top == 0 && a->pad_left == 0;
}

static inline void conv2d_s8_dsp_core(const void *args, tw_span work, tw_rounding rounding) {
  const conv2d_s8_dsp_args *a = args;
  const dsp_matrix matrix = {
      a->w, a->quads, a->out_c, {a->bias, a->multiplier, a->shift, 1, a->y_zero}};
  const int32_t is_pointwise = conv2d_s8_dsp_is_pointwise(a);
  for (int32_t pixel = work.start, rows; pixel < work.stop; pixel += rows) {
    rows = dsp_next_rows(work.stop - pixel);
    int8_t *const bytes = (int8_t *)(a->scratch + 2 * rows * a->quads);
    for (int32_t p = 0; p < rows; p++) {
      const int32_t number = pixel + p;
      if (is_pointwise) {
        dsp_widen(a->x + number * a->in_c, a->in_c, a->scratch + p, rows);
      } else {
        conv2d_s8_dsp_gather(a, number, a->scratch + p, rows, bytes);
      }
    }
    int8_t *const y = a->y + pixel * a->out_c;
    dsp_multiply(&matrix, a->scratch, rows, y, rounding);
    dsp_clip(y, rows * a->out_c, a->low, a->high);
  }
}
