/// Brings the windows of neighbouring output pixels into runs of bytes.
///
/// The input columns that a strip of neighbouring output pixels needs are gathered once, one
/// kernel_h high column after another, so that every pixel's window is one run of bytes; a 1x1
/// kernel reads the input where it is.
#pragma once

#include <arm_mve.h>

#include "conv2d_helium.h"
#include "fill_helium.h"
#include "tw_arithmetic.h"

/// How a row of less than 16 channels spreads over columns: byte i of the row goes to lane[i].
typedef struct {
  uint8x16_t lane;
  int32_t bytes; // of the row per step; 0: rows are copied column by column
} conv2d_helium_scatter;

static inline conv2d_helium_scatter conv2d_helium_lanes(const conv2d_helium_args *a) {
  const int32_t column = a->kernel_h * a->in_c;
  const int32_t last = 15 / a->in_c * column + 15 % a->in_c;
  uint8_t lane[16];
  if (a->in_c >= 16 || last > 255) {
    return (conv2d_helium_scatter){vdupq_n_u8(0), 0};
  }
  for (int32_t i = 0; i < 16; i++) {
    lane[i] = (uint8_t)(i / a->in_c * column + i % a->in_c);
  }
  return (conv2d_helium_scatter){vldrbq_u8(lane), 16 / a->in_c * a->in_c};
}

/// Copies `columns` pixels of `bytes` each; the next one is `from_step` and `to_step` further.
static inline void conv2d_helium_copy(const int8_t *from, int32_t from_step, int8_t *to,
                                      int32_t to_step, int32_t bytes, int32_t columns) {
  for (; bytes >= 16; bytes -= 16, from += 16, to += 16) {
    const int8_t *x = from;
    int8_t *y = to;
    for (int32_t i = 0; i < columns; i++, x += from_step, y += to_step) {
      vstrbq_s8(y, vldrbq_s8(x));
    }
  }
  if (bytes > 0) {
    const mve_pred16_t lanes = vctp8q((uint32_t)bytes);
    for (int32_t i = 0; i < columns; i++, from += from_step, to += to_step) {
      vstrbq_p_s8(to, vldrbq_z_s8(from, lanes), lanes);
    }
  }
}

/// Brings `columns` neighbouring pixels of one input row to where their columns want them.
static inline void conv2d_helium_spread(const conv2d_helium_args *a,
                                        const conv2d_helium_scatter *scatter, const int8_t *x,
                                        int32_t columns, int8_t *to) {
  if (scatter->bytes == 0) {
    conv2d_helium_copy(x, a->in_c, to, a->kernel_h * a->in_c, a->in_c, columns);
    return;
  }
  const int32_t from_step = scatter->bytes, to_step = from_step * a->kernel_h;
  const uint8x16_t lane = scatter->lane;
  int32_t left = columns * a->in_c;
  for (; left >= 16; left -= from_step, x += from_step, to += to_step) {
    vstrbq_scatter_offset_s8(to, lane, vldrbq_s8(x));
  }
  for (; left > 0; left -= from_step, x += from_step, to += to_step) {
    const mve_pred16_t lanes = vctp8q((uint32_t)left);
    vstrbq_scatter_offset_p_s8(to, lane, vldrbq_z_s8(x, lanes), lanes);
  }
}

/// Gathers the columns of `pixels` output pixels whose first window starts at (top, left).
static inline void conv2d_helium_gather(const conv2d_helium_args *a,
                                        const conv2d_helium_scatter *scatter, const int8_t *image,
                                        int32_t top, int32_t left, int32_t pixels, int8_t *to) {
  const int32_t columns = (pixels - 1) * a->stride_w + a->kernel_w;
  const int32_t column = a->kernel_h * a->in_c;
  const int32_t bottom = top + (a->kernel_h - 1) * a->dilation_h;
  const int32_t is_cut = top < 0 || bottom >= a->in_h;
  const int32_t first = tw_clip(-left, 0, columns); // [first, stop) lies inside the input
  const int32_t stop = tw_clip(a->in_w - left, first, columns);
  helium_fill(to, a->x_zero, (is_cut ? columns : first) * column);
  helium_fill(to + stop * column, a->x_zero, (columns - stop) * column);
  for (int32_t ky = 0; first < stop && ky < a->kernel_h; ky++) {
    const int32_t row = top + ky * a->dilation_h;
    if (row >= 0 && row < a->in_h) {
      conv2d_helium_spread(a, scatter, image + (row * a->in_w + left + first) * a->in_c,
                           stop - first, to + first * column + ky * a->in_c);
    }
  }
}

/// `pixels` neighbouring output pixels whose windows start at x and are `step` bytes apart.
typedef void conv2d_helium_strip(void *call, const int8_t *x, int32_t step, int32_t pixels,
                                 int8_t *y);

/// All pixels of `work`, strip by strip. `columns` has room for the columns of a strip.
static inline void conv2d_helium_pixels(const conv2d_helium_args *a, tw_work work, int8_t *columns,
                                        conv2d_helium_strip *strip, void *call) {
  const conv2d_helium_scatter scatter = conv2d_helium_lanes(a);
  int32_t pixels = 0;
  for (int32_t at = work.start; at < work.stop; at += pixels) {
    const int32_t row = at / a->out_w, column = at % a->out_w;
    const int32_t top = row % a->out_h * a->stride_h - a->pad_top;
    const int32_t left = column * a->stride_w - a->pad_left;
    const int8_t *image = a->x + row / a->out_h * a->in_h * a->in_w * a->in_c;
    const int8_t *x = columns;
    int32_t step = a->stride_w * a->in_c;
    pixels = tw_min(work.stop - at, a->out_w - column);
    if (a->strip > 0) {
      pixels = tw_min(pixels, a->strip);
      conv2d_helium_gather(a, &scatter, image, top, left, pixels, columns);
      step *= a->kernel_h;
    } else {
      x = image + (top * a->in_w + left) * a->in_c;
      if (a->stride_h == 1 && a->stride_w == 1) { // rows, and images, follow one another
        pixels = work.stop - at;
      }
    }
    strip(call, x, step, pixels, a->y + at * a->out_c);
  }
}
