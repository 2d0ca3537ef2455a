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

/// What four sums are divided by, and which way: `count` is in [1, 256], sums below 2**17.
typedef struct {
  uint32_t factor; // the least above 2**31 / count
  int32_t half;    // count / 2
  int32_t shift;   // count * offset
  int32_t offset;
} average_pool2d_divisor;

/// (sum + shift) / count - offset, halves away from zero. With n = |sum + shift| + half, the
/// quotient is that of 2n + 1 and 2 * count, which is 1 / 512 or more away from the next integer;
/// the factor is wrong by less than 2n * 2**-32.
static inline int32x4_t mean_of_four(int32x4_t sum, const average_pool2d_divisor *d) {
  const int32x4_t total = vaddq_n_s32(sum, d->shift);
  const uint32x4_t twice = vshlq_n_u32(vreinterpretq_u32_s32(vabsq_s32(total)), 1);
  const uint32x4_t odd = vaddq_n_u32(twice, (uint32_t)(2 * d->half + 1));
  const int32x4_t mean = vreinterpretq_s32_u32(vmulhq_u32(odd, vdupq_n_u32(d->factor)));
  const mve_pred16_t is_negative = vcmpltq_n_s32(total, 0);
  return vsubq_n_s32(vnegq_m_s32(mean, mean, is_negative), d->offset);
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
    const int32_t count = tw_max(elements, 1);
    const average_pool2d_divisor divisor = {(UINT32_C(1) << 31) / (uint32_t)count + 1, count / 2,
                                            elements * offset, offset};
    for (int32_t c = 0; c < channels; c += 8, x += 8, y += 8) {
      const mve_pred16_t lanes = vctp16q((uint32_t)(channels - c));
      const int16x8_t sums = sum_eight(x, rows.stop - rows.first, row_step,
                                       columns.stop - columns.first, column_step, lanes);
      const int32x4_t even = mean_of_four(vmovlbq_s16(sums), &divisor);
      const int32x4_t odd = mean_of_four(vmovltq_s16(sums), &divisor);
      const int16x8_t means = vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), even), odd);
      const int16x8_t low = vdupq_n_s16((int16_t)a->low), high = vdupq_n_s16((int16_t)a->high);
      vstrbq_p_s16(y, vminq_s16(vmaxq_s16(means, low), high), lanes);
    }
  }
}
