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

/// One output pixel: its image, its window and how its sums are rescaled.
typedef struct {
  const int8_t *image;
  tw_taps rows, columns;
  int32_t wide, start;
  int32_t multiplier, shift;
  int32_t is_short; // whether no product leaves int32
} pool_pixel;

static pool_pixel pixel_of(const rescaled_average_pool_xpulp_args *a, int32_t pixel) {
  const int32_t line = pixel / a->out_w, column = pixel - line * a->out_w;
  const int32_t n = line / a->out_h;
  const tw_taps rows = tw_taps_inside(line - n * a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                      a->dilation_h, a->in_h);
  const tw_taps columns =
      tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
  const int32_t wide = tw_max(columns.stop - columns.first, 0);
  const int32_t elements = tw_max(rows.stop - rows.first, 0) * wide;
  const int32_t entry = tw_max(elements - 1, 0) * a->table_step;
  const int32_t multiplier = a->multiplier[entry], shift = a->shift[entry];
  const int64_t most = (int64_t)elements * 256 * multiplier + ((int64_t)1 << shift >> 1);
  return (pool_pixel){
      .image = a->x + n * a->in_h * a->in_w * a->channels,
      .rows = rows,
      .columns = columns,
      .wide = wide,
      .start = -elements * a->x_zero,
      .multiplier = multiplier,
      .shift = shift,
      .is_short = multiplier >= 0 && shift < 32 && most <= INT32_MAX,
  };
}

/// Sums of four channels over the window.
static inline void sum_window(const rescaled_average_pool_xpulp_args *a, const pool_pixel *at,
                              int32_t first, int32_t sums[4]) {
  const int32_t step = a->dilation_w * a->channels, down = a->dilation_h * a->in_w * a->channels;
  const int32_t row = at->rows.origin + at->rows.first * a->dilation_h;
  const int32_t column = at->columns.origin + at->columns.first * a->dilation_w;
  const int8_t *x = at->image + (row * a->in_w + column) * a->channels + first;
  for (int32_t i = at->rows.first; i < at->rows.stop; ++i) {
    add_pixels(x, step, at->wide, sums);
    x += down;
  }
}

void rescaled_average_pool_xpulp(const void *args, tw_work work) {
  const rescaled_average_pool_xpulp_args *const a = args;
  const int32_t channels = a->channels, groups = (channels + 3) >> 2;
  int32_t pixel = work.start / groups, first = 4 * (work.start - pixel * groups);
  pool_pixel at = pixel_of(a, pixel);
  for (int32_t item = work.start; item < work.stop; ++item) {
    if (first >= channels) {
      first = 0;
      at = pixel_of(a, ++pixel);
    }
    int32_t sums[4] = {at.start, at.start, at.start, at.start};
    sum_window(a, &at, first, sums);
    int8_t *const y = a->y + pixel * channels + first;
    for (int32_t c = 0; c < tw_min(channels - first, 4); ++c) {
      const int32_t mean = at.is_short
                               ? p_addrn(sums[c] * at.multiplier, 0, at.shift)
                               : tw_rescale(sums[c], at.multiplier, at.shift, TW_ROUND_HALF_UP);
      y[c] = (int8_t)tw_clip(mean + a->y_zero, a->low, a->high);
    }
    first += 4;
  }
}
