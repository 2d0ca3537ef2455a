#include "depthwise_f32.h"

#include "products_f32.h"
#include "window2d.h"

/// sum[j] += x[(first + j) / multiplier] * w[first + j] for j < count.
static void depthwise_tap(const depthwise_f32_args *a, float *sum, const float *x, const float *w,
                          int32_t first, int32_t count) {
  if (a->multiplier == 1) {
    for (int32_t j = 0; j < count; j++) {
      sum[j] += x[first + j] * w[first + j];
    }
    return;
  }
  for (int32_t j = 0; j < count; j++) {
    sum[j] += x[(first + j) / a->multiplier] * w[first + j];
  }
}

void depthwise_f32(const void *args, tw_work work) {
  const depthwise_f32_args *const a = args;
  const int32_t channels = a->outputs / a->multiplier;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const float *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    for (int32_t first = 0; first < a->outputs; first += F32_LANES) {
      const int32_t count = tw_min(F32_LANES, a->outputs - first);
      float sum[F32_LANES] = {0.0F};
      for (int32_t i = rows.first; i < rows.stop; i++) {
        const int32_t row = rows.origin + i * a->dilation_h;
        for (int32_t j = columns.first; j < columns.stop; j++) {
          const int32_t at = row * a->in_w + columns.origin + j * a->dilation_w;
          const float *const tap = a->w + (i * a->kernel_w + j) * a->outputs;
          depthwise_tap(a, sum, image + at * channels, tap, first, count);
        }
      }
      finish_f32(a->y + pixel * a->outputs + first, sum, a->bias + first, count, a->low, a->high);
    }
  }
}
