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

/// The window of output pixel `pixel`, widened, as one of `pitch` interleaved rows. Rows of a
/// window that lie inside the input and fill whole words are widened where they are; others go
/// through `bytes`.
DSP_TILE static void conv2d_s8_dsp_gather(const conv2d_s8_dsp_args *a, int32_t pixel,
                                          uint32_t *wide, int32_t pitch, int8_t *bytes) {
  const int32_t line = pixel / a->out_w, image_number = line / a->out_h;
  const int32_t top = (line - image_number * a->out_h) * a->stride_h - a->pad_top;
  const int32_t left = (pixel - line * a->out_w) * a->stride_w - a->pad_left;
  const int32_t length = a->kernel_w * a->in_c;
  const int8_t *const image = a->x + image_number * a->in_h * a->in_w * a->in_c;
  const int32_t is_within = left >= 0 && left + a->kernel_w <= a->in_w;
  if (length % 4 == 0 || a->kernel_h == 1) {
    for (int32_t y = top; y < top + a->kernel_h; y++) {
      const int8_t *row = image + (y * a->in_w + left) * a->in_c;
      if (!is_within || y < 0 || y >= a->in_h) {
        conv2d_s8_dsp_row(a, image, y, left, bytes);
        row = bytes;
      }
      wide = dsp_widen(row, length, wide, pitch);
    }
    return;
  }
  int8_t *end = bytes;
  for (int32_t y = top; y < top + a->kernel_h; y++) {
    end = conv2d_s8_dsp_row(a, image, y, left, end);
  }
  dsp_widen(bytes, length * a->kernel_h, wide, pitch);
}

static inline void conv2d_s8_dsp_core(const void *args, tw_span work, tw_rounding rounding) {
  const conv2d_s8_dsp_args *a = args;
  const dsp_matrix matrix = {
      a->w, a->quads, a->out_c, {a->bias, a->multiplier, a->shift, a->table_step, a->y_zero}};
  for (int32_t pixel = work.start, rows; pixel < work.stop; pixel += rows) {
    rows = dsp_next_rows(work.stop - pixel);
    const int32_t pitch = dsp_pitch(rows);
    int8_t *const bytes = (int8_t *)(a->scratch + 2 * pitch * a->quads);
    for (int32_t p = 0; p < pitch; p++) { // the fourth of three repeats the third
      conv2d_s8_dsp_gather(a, pixel + tw_min(p, rows - 1), a->scratch + p, pitch, bytes);
    }
    int8_t *const y = a->y + pixel * a->out_c;
    dsp_multiply(&matrix, a->scratch, rows, y, rounding);
    dsp_clip(y, rows * a->out_c, a->low, a->high);
  }
}
