/// Sums of eight neighbouring elements, or of a row, rescaled.
#include "mean_helium.h"
#include "helium_scalar.h"

enum { MOST_SUMMED = 256 }; // int8 whose sum fits in int16, whatever they are

/// Sums of elements 0, 2, 4, 6 and of 1, 3, 5, 7.
typedef struct {
  int32x4_t even, odd;
} mean_helium_sums;

static inline mean_helium_sums mean_helium_columns(const int8_t *x, int32_t count, int32_t step,
                                                   mve_pred16_t lanes) {
  mean_helium_sums sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
  while (count > 0) {
    const int32_t part = tw_min(count, MOST_SUMMED);
    int16x8_t sum = vdupq_n_s16(0);
    for (int32_t i = 0; i < part; i++, x += step) {
      sum = vaddq_s16(sum, vldrbq_z_s16(x, lanes));
    }
    sums.even = vaddq_s32(sums.even, vmovlbq_s16(sum));
    sums.odd = vaddq_s32(sums.odd, vmovltq_s16(sum));
    count -= part;
  }
  return sums;
}

static inline int32_t mean_helium_row(const int8_t *x, int32_t count) {
  int32_t sum = 0;
  for (; count > 0; count -= 16, x += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)count);
    sum = vaddvaq_s8(sum, vldrbq_z_s8(x, lanes));
  }
  return sum;
}

static inline void mean_helium_core(const void *args, tw_work work, helium_rescaling how) {
  const mean_helium_args *const a = args;
  const int32_t inner = a->inner, count = a->count, centre = count * a->x_zero;
  const helium_scalar scale = {a->multiplier, a->shift, a->y_zero, a->low, a->high};
  int32_t lanes = 1;
  for (int32_t at = work.start; at < work.stop; at += lanes) {
    if (inner == 1) {
      const int32_t sum = mean_helium_row(a->x + at * count, count) - centre;
      a->y[at] = (int8_t)vgetq_lane_s32(helium_finish(vdupq_n_s32(sum), &scale, how), 0);
      continue;
    }
    const int32_t column = at % inner;
    lanes = tw_min(tw_min(8, inner - column), work.stop - at);
    const mve_pred16_t some = vctp16q((uint32_t)lanes);
    const int8_t *const x = a->x + at / inner * count * inner + column;
    const mean_helium_sums sums = mean_helium_columns(x, count, inner, some);
    const int32x4_t even = helium_finish(vsubq_n_s32(sums.even, centre), &scale, how);
    const int32x4_t odd = helium_finish(vsubq_n_s32(sums.odd, centre), &scale, how);
    const int16x8_t both = vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), even), odd);
    vstrbq_p_s16(a->y + at, both, some);
  }
}

void mean_helium_double(const void *args, tw_work work) {
  mean_helium_core(args, work, HELIUM_LEFT);
}

void mean_helium_half_even(const void *args, tw_work work) {
  mean_helium_core(args, work, HELIUM_EVEN);
}
