/// Elementwise sums in blocks: both operands of a block are read before any of it is written.
#include "rescaled_add_s8.h"
#include "broadcast.h"
#include "centred_s8.h"
#include "tw_arithmetic.h"

/// x / 2**shift, rounded once; |x| + 2**shift < 2**31, but for TW_ROUND_HALF_UP.
static inline int32_t rescaled_add_round(int32_t x, int32_t shift, tw_rounding rounding) {
  const int32_t half = (int32_t)((1U << shift) >> 1);
  if (rounding == TW_ROUND_HALF_UP) {
    return tw_shift_right(tw_wrapping_add(x, half), shift);
  }
  // Ties to even: add one less than half, and one more where the integer below is odd.
  const int32_t rounds = half > 0;
  const int32_t odd = tw_shift_right(x, shift) & rounds;
  return tw_shift_right(x + half - rounds + odd, shift);
}

static inline void rescaled_add_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const rescaled_add_s8_args *const p = args;
  const int32_t shift = p->shift, zero = p->y_zero, low = p->low, high = p->high;
  const int32_t a_multiplier = p->a_multiplier, b_multiplier = p->b_multiplier;
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
      const int32_t sum = tw_wrapping_add(tw_wrapping_multiply(da[i], a_multiplier),
                                          tw_wrapping_multiply(db[i], b_multiplier));
      const int32_t scaled = rescaled_add_round(sum, shift, rounding);
      y[i] = (int8_t)(tw_clip(scaled, low - zero, high - zero) + zero);
    }
  }
}

void rescaled_add_s8_half_even(const void *args, tw_work work) {
  rescaled_add_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void rescaled_add_s8_half_up(const void *args, tw_work work) {
  rescaled_add_s8_core(args, work, TW_ROUND_HALF_UP);
}
