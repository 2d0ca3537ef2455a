/// Element by element: what is written has been read.
#include "rescale_sums_s8.h"
#include "tw_arithmetic.h"

static inline void rescale_sums_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const rescale_sums_s8_args *const a = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t *const x = a->x + row * a->channels;
    int8_t *const y = a->y + row * a->channels;
    for (int32_t c = 0; c < a->channels; c++) {
      const int32_t at = c * a->table_step;
      const int32_t scaled = tw_rescale(x[c], a->multiplier[at], a->shift[at], rounding);
      y[c] = (int8_t)(tw_clip(scaled, a->low - a->y_zero, a->high - a->y_zero) + a->y_zero);
    }
  }
}

void rescale_sums_s8_double(const void *args, tw_work work) {
  rescale_sums_s8_core(args, work, TW_ROUND_DOUBLE);
}

void rescale_sums_s8_half_even(const void *args, tw_work work) {
  rescale_sums_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescale_sums_s8_half_up(const void *args, tw_work work) {
  rescale_sums_s8_core(args, work, TW_ROUND_HALF_UP);
}
