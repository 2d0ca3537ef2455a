#include "max_pool2d_helium.h"

#include <arm_mve.h>

#include "taps_helium.h"

/// The largest of `rows` times `columns` elements, for sixteen channels.
static inline int8x16_t largest_of(const int8_t *x, int32_t rows, int32_t row_step, int32_t columns,
                                   int32_t column_step, mve_pred16_t lanes) {
  int8x16_t largest = vdupq_n_s8(INT8_MIN);
  for (int32_t i = 0; i < rows; i++, x += row_step) {
    const int8_t *at = x;
    for (int32_t j = 0; j < columns; j++, at += column_step) {
      largest = vmaxq_s8(largest, vldrbq_z_s8(at, lanes));
    }
  }
  return largest;
}

void max_pool2d_helium(const void *args, tw_work work) {
  const max_pool2d_helium_args *const a = args;
  const int32_t channels = a->channels;
  const int32_t column_step = a->dilation_w * channels;
  const int32_t row_step = a->dilation_h * a->in_w * channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t line = pixel / a->out_w;
    const int32_t top = line % a->out_h * a->stride_h - a->pad_top;
    const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
    const helium_taps rows = helium_taps_inside(top, a->kernel_h, a->dilation_h, a->in_h);
    const helium_taps columns = helium_taps_inside(left, a->kernel_w, a->dilation_w, a->in_w);
    const int8_t *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    const int8_t *x = image + (top * a->in_w + left) * channels + rows.first * row_step +
                      columns.first * column_step;
    int8_t *y = a->y + pixel * channels;
    for (int32_t c = 0; c < channels; c += 16, x += 16, y += 16) {
      const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
      vstrbq_p_s8(y,
                  largest_of(x, rows.stop - rows.first, row_step, columns.stop - columns.first,
                             column_step, lanes),
                  lanes);
    }
  }
}
