#include "quick_loops.h"

#include "average_pool2d_s8_dsp.h"

/// sum / count, halves away from zero.
static inline int32_t rounded_mean(int32_t sum, int32_t count) {
  const int32_t half = count / 2;
  return (sum < 0 ? sum - half : sum + half) / count;
}

void average_pool2d_s8_dsp_tflite(const void *args, tw_work work) {
  const average_pool2d_s8_dsp_args *const a = args;
  const dsp_pooling *const pooling =
      dsp_pooling_at(args, offsetof(average_pool2d_s8_dsp_args, in_h));
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const dsp_window window = dsp_window_at(a->x, pooling, pixel);
    const int32_t count = window.rows * window.columns, centre = count * a->offset;
    int8_t *const y = a->y + pixel * channels;
    for (int32_t c = 0; c < channels;) {
      const int32_t first = tw_min(c, channels - 4), stop = first + 4;
      dsp_sums sums = dsp_sum_window(&window, first);
      for (int32_t skipped = c - first; skipped > 0; skipped--) {
        dsp_next_sum(&sums);
      }
      for (; c < stop; c++) {
        const int32_t sum = dsp_next_sum(&sums) + centre;
        y[c] = (int8_t)tw_clip(rounded_mean(sum, tw_max(count, 1)) - a->offset, a->low, a->high);
      }
    }
  }
}
