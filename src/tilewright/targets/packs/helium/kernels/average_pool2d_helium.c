#include "average_pool2d_helium.h"

#include <arm_mve.h>

#include "taps_helium.h"

/// Sums of eight channels over `rows` times `columns` elements: 256 of int8 fit in int16.
static inline int16x8_t sum_eight(const int8_t *x, int32_t rows, int32_t row_step, int32_t columns,
                                  int32_t column_step, mve_pred16_t lanes) {
  int16x8_t sum = vdupq_n_s16(0);
  for (int32_t i = 0; i < rows; i++, x += row_step) {
    const int8_t *at = x;
    for (int32_t j = 0; j < columns; j++, at += column_step) {
      sum = vaddq_s16(sum, vldrbq_z_s16(at, lanes));
    }
  }
  return sum;
}

/// sum / count, halves away from zero.
static inline int32_t rounded_mean(int32_t sum, int32_t count) {
  const int32_t half = count / 2;
  return (sum < 0 ? sum - half : sum + half) / count;
}

void average_pool2d_helium(const void *args, tw_work work) {
  const average_pool2d_helium_args *const a = args;
  const int32_t channels = a->channels, offset = a->offset;
  const int32_t column_step = a->dilation_w * channels;
  const int32_t row_step = a->dilation_h * a->in_w * channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t line = pixel / a->out_w;
    const int32_t top = line % a->out_h * a->stride_h - a->pad_top;
    const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
    const helium_taps rows = helium_taps_inside(top, a->kernel_h, a->dilation_h, a->in_h);
    const helium_taps columns = helium_taps_inside(left, a->kernel_w, a->dilation_w, a->in_w);
    const int32_t elements = (rows.stop - rows.first) * (columns.stop - columns.first);
    const int8_t *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    const int8_t *x = image + (top * a->in_w + left) * channels + rows.first * row_step +
                      columns.first * column_step;
    int8_t *y = a->y + pixel * channels;
    for (int32_t c = 0; c < channels; c += 8, x += 8, y += 8) {
      int16_t sums[8];
      vstrhq_s16(sums, sum_eight(x, rows.stop - rows.first, row_step, columns.stop - columns.first,
                                 column_step, vctp16q((uint32_t)(channels - c))));
      for (int32_t i = 0; i < tw_min(8, channels - c); i++) {
        const int32_t mean = rounded_mean(sums[i] + elements * offset, tw_max(elements, 1));
        y[i] = (int8_t)tw_clip(mean - offset, a->low, a->high);
      }
    }
  }
}
