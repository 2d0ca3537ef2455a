#include "average_pool2d_helium.h"

#include "pool_window_helium.h"

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
  const helium_pooling *const pooling =
      helium_pooling_at(args, offsetof(average_pool2d_helium_args, in_h));
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const helium_pool_window window = helium_pool_window_at(a->x, pooling, pixel);
    const int32_t elements = window.rows * window.columns, count = tw_max(elements, 1);
    int8_t *const y = a->y + pixel * channels;
    const average_pool2d_divisor divisor = {(UINT32_C(1) << 31) / (uint32_t)count + 1, count / 2,
                                            elements * a->offset, a->offset};
    for (int32_t c = 0; c < channels; c += 8) {
      const mve_pred16_t lanes = vctp16q((uint32_t)(channels - c));
      const int16x8_t sums = helium_pool_sums(&window, c, lanes);
      const int32x4_t even = mean_of_four(vmovlbq_s16(sums), &divisor);
      const int32x4_t odd = mean_of_four(vmovltq_s16(sums), &divisor);
      helium_pool_write(y + c, even, odd, a->low, a->high, lanes);
    }
  }
}
