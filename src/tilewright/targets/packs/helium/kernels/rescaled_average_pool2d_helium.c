#include "rescaled_average_pool2d_helium.h"

#include "helium_rescale.h"
#include "pool_window_helium.h"

/// Four sums less their zero points, rescaled.
static inline int32x4_t rescaled_four(const rescaled_average_pool2d_helium_args *a, int32x4_t sums,
                                      int32_t centre, int32_t entry) {
  const int32x4_t multiplier = vdupq_n_s32(a->multiplier[entry]);
  const int32x4_t shift = vdupq_n_s32(a->shift[entry]);
  const int32x4_t acc = vsubq_n_s32(sums, centre);
  return vaddq_n_s32(helium_rescale(acc, multiplier, shift, HELIUM_EVEN_WIDE), a->y_zero);
}

void rescaled_average_pool2d_helium(const void *args, tw_work work) {
  const rescaled_average_pool2d_helium_args *const a = args;
  const helium_pooling *const pooling =
      helium_pooling_at(args, offsetof(rescaled_average_pool2d_helium_args, in_h));
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const helium_pool_window window = helium_pool_window_at(a->x, pooling, pixel);
    const int32_t count = window.rows * window.columns, centre = count * a->x_zero;
    const int32_t entry = tw_max(count - 1, 0) * a->table_step;
    int8_t *const y = a->y + pixel * channels;
    for (int32_t c = 0; c < channels; c += 8) {
      const mve_pred16_t lanes = vctp16q((uint32_t)(channels - c));
      const int16x8_t sums = helium_pool_sums(&window, c, lanes);
      const int32x4_t even = rescaled_four(a, vmovlbq_s16(sums), centre, entry);
      const int32x4_t odd = rescaled_four(a, vmovltq_s16(sums), centre, entry);
      helium_pool_write(y + c, even, odd, a->low, a->high, lanes);
    }
  }
}
