#include "broadcast.h"
#include "wide.h"
#include "wide_elements.h"

void wide_mul(const void *args, tw_work work) {
  const wide_mul_args *const p = args;
  for (int32_t at = work.start; at < work.stop; at++) {
    const int32_t row = at / p->n3, column = at % p->n3;
    const int32_t a_at = tw_row_start(row, p->n1, p->n2, p->a0, p->a1, p->a2) + column * p->a3;
    const int32_t b_at = tw_row_start(row, p->n1, p->n2, p->b0, p->b1, p->b2) + column * p->b3;
    const int32_t a = wide_load(p->a, p->a_bytes, a_at) - p->a_zero;
    const int32_t b = wide_load(p->b, p->b_bytes, b_at) - p->b_zero;
    const int32_t scaled = tw_rescale(a * b, p->multiplier, p->shift, TW_ROUND_DOUBLE);
    wide_store(p->y, p->y_bytes, at, wide_finish(scaled, p->y_zero, p->low, p->high));
  }
}
