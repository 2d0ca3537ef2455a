/// Elementwise products in blocks: both operands of a block are read before any of it is written.
#include "rescaled_mul_s8.h"
#include "broadcast.h"
#include "centred_s8.h"
#include "tw_arithmetic.h"

static inline void rescaled_mul_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const rescaled_mul_s8_args *const p = args;
  const int32_t multiplier = p->multiplier, shift = p->shift;
  const int32_t zero = p->y_zero, low = p->low, high = p->high;
  int32_t count = 0;
  for (int32_t at = work.start; at < work.stop; at += count) {
    const int32_t row = at / p->n3, column = at % p->n3;
    const int8_t *const a = p->a + tw_row_start(row, p->n1, p->n2, p->a0, p->a1, p->a2);
    const int8_t *const b = p->b + tw_row_start(row, p->n1, p->n2, p->b0, p->b1, p->b2);
    int32_t da[CENTRED_LANES], db[CENTRED_LANES];
    count = tw_min(tw_min(p->n3 - column, work.stop - at), CENTRED_LANES);
    centred_s8(a + column * p->a3, p->a3, p->a_zero, count, da);
    centred_s8(b + column * p->b3, p->b3, p->b_zero, count, db);
    int8_t *const y = p->y + at;
    for (int32_t i = 0; i < count; i++) {
      const int32_t scaled = tw_rescale(da[i] * db[i], multiplier, shift, rounding);
      y[i] = (int8_t)(tw_clip(scaled, low - zero, high - zero) + zero);
    }
  }
}

void rescaled_mul_s8_half_even(const void *args, tw_work work) {
  rescaled_mul_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescaled_mul_s8_half_up(const void *args, tw_work work) {
  rescaled_mul_s8_core(args, work, TW_ROUND_HALF_UP);
}
