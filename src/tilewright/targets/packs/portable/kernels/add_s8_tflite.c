#include "add_s8_tflite.h"

#include "broadcast.h"
#include "centred_s8.h"
#include "tw_arithmetic.h"

enum {
  ADD_LEFT_SHIFT = 20,             // fractional bits of the common scale
  ADD_ONE_HALF = (int32_t)1 << 30, // the multiplier 1/2: that of the larger scale
};

/// values[i] (an operand without its zero point) on the common scale, in place.
static inline void scale_summands(int32_t *values, int32_t count, int32_t multiplier,
                                  int32_t shift) {
  if (multiplier == ADD_ONE_HALF && shift == 0) {
    for (int32_t i = 0; i < count; i++) {
      values[i] = tw_shift_left(values[i], ADD_LEFT_SHIFT - 1);
    }
    return;
  }
  for (int32_t i = 0; i < count; i++) {
    const int32_t wide = tw_shift_left(values[i], ADD_LEFT_SHIFT);
    values[i] = tw_rounding_shift_right(tw_doubling_high_multiply(wide, multiplier), -shift);
  }
}

void add_s8_tflite(const void *args, tw_work work) {
  const add_s8_tflite_args *const p = args;
  const int32_t multiplier = p->multiplier, right = -p->shift;
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
    scale_summands(da, count, p->a_multiplier, p->a_shift);
    scale_summands(db, count, p->b_multiplier, p->b_shift);
    int8_t *const y = p->y + at;
    for (int32_t i = 0; i < count; i++) {
      const int32_t high_part = tw_doubling_high_multiply(da[i] + db[i], multiplier);
      y[i] = (int8_t)tw_clip(tw_rounding_shift_right(high_part, right) + zero, low, high);
    }
  }
}
