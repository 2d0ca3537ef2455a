#include "average_pool2d_s8_tflite.h"

#include "tw_arithmetic.h"
#include "window2d.h"

enum { AVERAGE_LANES = 64 }; // channels at a time

/// sum / count, halves away from zero.
static inline int32_t rounded_mean(int32_t sum, int32_t count) {
  const int32_t half = count / 2;
  return (sum < 0 ? sum - half : sum + half) / count;
}

void average_pool2d_s8_tflite(const void *args, tw_work work) {
  const average_pool2d_s8_tflite_args *const a = args;
  const int32_t channels = a->channels, offset = a->offset, low = a->low, high = a->high;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const int32_t elements =
        tw_max(rows.stop - rows.first, 0) * tw_max(columns.stop - columns.first, 0);
    const int8_t *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    for (int32_t first = 0; first < channels; first += AVERAGE_LANES) {
      const int32_t count = tw_min(AVERAGE_LANES, channels - first);
      int32_t sum[AVERAGE_LANES];
      for (int32_t c = 0; c < count; c++) {
        sum[c] = elements * offset;
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
        y[c] = (int8_t)tw_clip(rounded_mean(sum[c], tw_max(elements, 1)) - offset, low, high);
      }
    }
  }
}
