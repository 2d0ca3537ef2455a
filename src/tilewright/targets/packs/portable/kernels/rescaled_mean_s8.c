/// Sums of a block of neighbouring elements over the reduced dimension.
#include "rescaled_mean_s8.h"
#include "tw_arithmetic.h"

enum { MEAN_LANES = 64 }; // elements at a time

static inline void rescaled_mean_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const rescaled_mean_s8_args *const a = args;
  const int32_t inner = a->inner, multiplier = a->multiplier, shift = a->shift;
  const int32_t zero = a->y_zero, low = a->low, high = a->high;
  int32_t lanes = 0;
  for (int32_t at = work.start; at < work.stop; at += lanes) {
    const int32_t outer = at / inner, first = at % inner;
    int32_t sum[MEAN_LANES];
    lanes = tw_min(tw_min(inner - first, work.stop - at), MEAN_LANES);
    for (int32_t i = 0; i < lanes; i++) {
      sum[i] = -a->count * a->x_zero;
    }
    const int8_t *x = a->x + outer * a->count * inner + first;
    for (int32_t n = 0; n < a->count; n++, x += inner) {
      for (int32_t i = 0; i < lanes; i++) {
        sum[i] += x[i];
      }
    }
    int8_t *const y = a->y + at;
    for (int32_t i = 0; i < lanes; i++) {
      const int32_t scaled = tw_rescale(sum[i], multiplier, shift, rounding);
      y[i] = (int8_t)(tw_clip(scaled, low - zero, high - zero) + zero);
    }
  }
}

void rescaled_mean_s8_half_even(const void *args, tw_work work) {
  rescaled_mean_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescaled_mean_s8_half_up(const void *args, tw_work work) {
  rescaled_mean_s8_core(args, work, TW_ROUND_HALF_UP);
}
