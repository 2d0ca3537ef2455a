/// The loops of mapped_mul_s8 and mapped_concat_s8.
#include "mapped_s8.h"

#include <string.h>

#include "tw_arithmetic.h"

void mapped_mul_s8(const void *args, tw_work work) {
  const mapped_mul_s8_args *const a = args;
  const int8_t *const centre = a->table + 128;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t product = (centre[a->a[i]] - a->a_zero) * (a->b[i] - a->b_zero);
    const int32_t scaled = tw_rescale(product, a->multiplier, a->shift, TW_ROUND_HALF_UP);
    a->y[i] = (int8_t)(tw_clip(scaled, a->low - a->y_zero, a->high - a->y_zero) + a->y_zero);
  }
}

void mapped_concat_s8(const void *args, tw_work work) {
  const mapped_concat_s8_args *const a = args;
  const int8_t *const centre = a->table + 128;
  for (int32_t row = work.start; row < work.stop; row++) {
    int8_t *const y = a->y + row * (a->bytes0 + a->bytes1);
    memcpy(y, a->x + row * a->bytes0, (size_t)a->bytes0);
    for (int32_t i = 0; i < a->bytes1; i++) {
      y[a->bytes0 + i] = centre[a->added[row * a->bytes1 + i]];
    }
  }
}
