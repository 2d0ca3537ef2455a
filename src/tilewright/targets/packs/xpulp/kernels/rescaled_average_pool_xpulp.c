/// Four channels are one word; a dot product with a word that holds a single one adds one of them.
#include "rescaled_average_pool_xpulp.h"

#include "tw_arithmetic.h"
#include "window2d.h"
#include "xpulp.h"

/// sums[c] += x[c] of `count` pixels that lie `step` bytes apart.
static inline void add_pixels(const int8_t *x, int32_t step, int32_t count, int32_t sums[4]) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (; count > 0; --count) {
    const int32_t four = p_lw_post(&x, step);
    s0 = pv_sdotsp_b(s0, four, 0x00000001);
    s1 = pv_sdotsp_b(s1, four, 0x00000100);
    s2 = pv_sdotsp_b(s2, four, 0x00010000);
    s3 = pv_sdotsp_b(s3, four, 0x01000000);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

void rescaled_average_pool_xpulp(const void *args, tw_work work) {
  const rescaled_average_pool_xpulp_args *const a = args;
  const int32_t channels = a->channels, groups = (channels + 3) >> 2;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t pixel = item / groups, first = 4 * (item - pixel * groups);
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const int32_t wide = tw_max(columns.stop - columns.first, 0);
    const int32_t elements = tw_max(rows.stop - rows.first, 0) * wide;
    const int8_t *const image = a->x + line / a->out_h * a->in_h * a->in_w * channels + first;
    const int32_t start = -elements * a->x_zero;
    int32_t sums[4] = {start, start, start, start};
    for (int32_t i = rows.first; i < rows.stop; ++i) {
      const int32_t row = rows.origin + i * a->dilation_h;
      const int32_t at = row * a->in_w + columns.origin + columns.first * a->dilation_w;
      add_pixels(image + at * channels, a->dilation_w * channels, wide, sums);
    }
    const int32_t entry = tw_max(elements - 1, 0) * a->table_step;
    const int32_t multiplier = a->multiplier[entry], shift = a->shift[entry];
    int8_t *const y = a->y + pixel * channels + first;
    for (int32_t c = 0; c < tw_min(channels - first, 4); ++c) {
      const int32_t mean = tw_rescale(sums[c], multiplier, shift, TW_ROUND_HALF_UP);
      y[c] = (int8_t)tw_clip(mean + a->y_zero, a->low, a->high);
    }
  }
}
