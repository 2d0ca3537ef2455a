#include "pool2d.h"
#include "window2d.h"

enum { LANES = 16 }; // channels at a time

void average_pool2d_f32(const void *args, tw_work work) {
  const average_pool2d_f32_args *const a = args;
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const int32_t inside =
        tw_max(rows.stop - rows.first, 0) * tw_max(columns.stop - columns.first, 0);
    const float divisor = (float)(a->counts_padding ? a->kernel_h * a->kernel_w : inside);
    const float *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels;
    for (int32_t first = 0; first < channels; first += LANES) {
      const int32_t count = tw_min(LANES, channels - first);
      float sum[LANES];
      for (int32_t c = 0; c < count; c++) {
        sum[c] = 0.0F;
      }
      for (int32_t i = rows.first; i < rows.stop; i++) {
        const int32_t row = rows.origin + i * a->dilation_h;
        for (int32_t j = columns.first; j < columns.stop; j++) {
          const int32_t at = row * a->in_w + columns.origin + j * a->dilation_w;
          const float *const x = image + at * channels + first;
          for (int32_t c = 0; c < count; c++) {
            sum[c] += x[c];
          }
        }
      }
      float *const y = a->y + pixel * channels + first;
      for (int32_t c = 0; c < count; c++) {
        y[c] = sum[c] / divisor;
      }
    }
  }
}
