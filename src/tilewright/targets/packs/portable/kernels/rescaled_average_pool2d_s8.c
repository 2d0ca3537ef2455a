/// Sums of a block of channels over one window, rescaled by the count of elements inside.
#include "rescaled_average_pool2d_s8.h"
#include "tw_arithmetic.h"
#include "window2d.h"

enum { AVERAGE_LANES = 64 }; // channels at a time

static inline void rescaled_average_pool2d_s8_core(const void *args, tw_work work,
                                                   tw_rounding rounding) {
  const rescaled_average_pool2d_s8_args *const a = args;
  const int32_t channels = a->channels;
  const int32_t zero = a->y_zero, low = a->low, high = a->high;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const int32_t elements =
        tw_max(rows.stop - rows.first, 0) * tw_max(columns.stop - columns.first, 0);
    const int32_t entry = tw_max(elements - 1, 0) * a->table_step;
    const int32_t multiplier = a->multiplier[entry], shift = a->shift[entry];
    const int32_t centre = elements * a->x_zero;
    const int8_t *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    for (int32_t first = 0; first < channels; first += AVERAGE_LANES) {
      const int32_t count = tw_min(AVERAGE_LANES, channels - first);
      int32_t sum[AVERAGE_LANES];
      for (int32_t c = 0; c < count; c++) {
        sum[c] = -centre;
      }
      for (int32_t i = rows.first; i < rows.stop; i++) {
        const int32_t row = rows.origin + i * a->dilation_h;
        for (int32_t j = columns.first; j < columns.stop; j++) {
          const int32_t at = row * a->in_w + columns.origin + j * a->dilation_w;
          const int8_t *const x = image + at * channels + first;
          for (int32_t c = 0; c < count; c++) {
            sum[c] += x[c];
          }
        }
      }
      int8_t *const y = a->y + pixel * channels + first;
      for (int32_t c = 0; c < count; c++) {
        const int32_t scaled = tw_rescale(sum[c], multiplier, shift, rounding);
        y[c] = (int8_t)(tw_clip(scaled, low - zero, high - zero) + zero);
      }
    }
  }
}

void rescaled_average_pool2d_s8_half_even(const void *args, tw_work work) {
  rescaled_average_pool2d_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescaled_average_pool2d_s8_half_up(const void *args, tw_work work) {
  rescaled_average_pool2d_s8_core(args, work, TW_ROUND_HALF_UP);
}
