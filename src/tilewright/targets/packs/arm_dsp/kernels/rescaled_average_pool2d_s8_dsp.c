/// Sums of four channels over one window, rescaled by the count of elements inside.
#include "rescaled_average_pool2d_s8_dsp.h"
#include "dsp_requantise.h"
#include "dsp_window.h"

static inline void rescaled_average_pool2d_s8_dsp_core(const void *args, tw_work work,
                                                       tw_rounding rounding) {
  const rescaled_average_pool2d_s8_dsp_args *const a = args;
  const dsp_pooling *const pooling =
      dsp_pooling_at(args, offsetof(rescaled_average_pool2d_s8_dsp_args, in_h));
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const dsp_window window = dsp_window_at(a->x, pooling, pixel);
    const int32_t count = window.rows * window.columns, centre = count * a->x_zero;
    const int32_t entry = tw_max(count - 1, 0) * a->table_step;
    const dsp_scale scale = {a->multiplier[entry], a->shift[entry], a->y_zero};
    int8_t *const y = a->y + pixel * channels;
    for (int32_t c = 0; c < channels;) {
      const int32_t first = tw_min(c, channels - 4), stop = first + 4;
      dsp_sums sums = dsp_sum_window(&window, first);
      for (int32_t skipped = c - first; skipped > 0; skipped--) {
        dsp_next_sum(&sums);
      }
      for (; c < stop; c++) {
        const int32_t sum = dsp_next_sum(&sums) - centre;
        y[c] = (int8_t)tw_clip(dsp_rescale(sum, &scale, rounding), a->low, a->high);
      }
    }
  }
}

void rescaled_average_pool2d_s8_dsp_half_even(const void *args, tw_work work) {
  rescaled_average_pool2d_s8_dsp_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescaled_average_pool2d_s8_dsp_half_up(const void *args, tw_work work) {
  rescaled_average_pool2d_s8_dsp_core(args, work, TW_ROUND_HALF_UP);
}
