#include "broadcast.h"
#include "wide.h"
#include "wide_elements.h"

static int32_t wide_part(int32_t centred, int32_t bits, int32_t multiplier, int32_t shift) {
  const int32_t fine = tw_shift_left(centred, bits);
  const int32_t size = multiplier < 0 ? -multiplier : multiplier;
  const int32_t scaled = tw_rescale(fine, size, shift, TW_ROUND_DOUBLE);
  return multiplier < 0 ? -scaled : scaled;
}

void wide_add(const void *args, tw_work work) {
  const wide_add_args *const p = args;
  for (int32_t at = work.start; at < work.stop; at++) {
    const int32_t row = at / p->n3, column = at % p->n3;
    const int32_t a_at = tw_row_start(row, p->n1, p->n2, p->a0, p->a1, p->a2) + column * p->a3;
    const int32_t b_at = tw_row_start(row, p->n1, p->n2, p->b0, p->b1, p->b2) + column * p->b3;
    const int32_t a = wide_load(p->a, p->a_bytes, a_at) - p->a_zero;
    const int32_t b = wide_load(p->b, p->b_bytes, b_at) - p->b_zero;
    const int32_t sum = wide_part(a, p->bits, p->a_multiplier, p->a_shift) +
                        wide_part(b, p->bits, p->b_multiplier, p->b_shift);
    const int32_t scaled = tw_rescale(sum, p->multiplier, p->shift, TW_ROUND_DOUBLE);
    wide_store(p->y, p->y_bytes, at, wide_finish(scaled, p->y_zero, p->low, p->high));
  }
}
