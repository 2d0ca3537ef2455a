#include "linear_rows_helium.h"

#include <arm_mve.h>

#include "linear_rows_finish.h"

enum { FOUR = 4 };

/// Sums of four rows of w, `step` bytes apart, with one row of x.
static inline void dot_four(const int8_t *x, const int8_t *w, int32_t step, int32_t n,
                            int32_t sums[4]) {
  int32_t a = 0, b = 0, c = 0, d = 0;
  for (int32_t i = 0; i < n; i += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(n - i));
    const int8x16_t value = vldrbq_z_s8(x + i, lanes);
    const int8_t *const at = w + i;
    a = vmladavaq_s8(a, value, vldrbq_z_s8(at, lanes));
    b = vmladavaq_s8(b, value, vldrbq_z_s8(at + step, lanes));
    c = vmladavaq_s8(c, value, vldrbq_z_s8(at + 2 * step, lanes));
    d = vmladavaq_s8(d, value, vldrbq_z_s8(at + 3 * step, lanes));
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

/// The last outputs, fewer than four, are summed one by one.
static inline void linear(const linear_rows_helium_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    const linear_finish finish = linear_finish_of(x + a->inputs, a->sum_shift, a->shift);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int32_t first = item * FOUR;
      const int32_t count = tw_min(a->outputs - first, FOUR);
      int32_t sums[FOUR];
      if (count == FOUR) {
        dot_four(x, a->w + first * a->inputs, a->inputs, a->inputs, sums);
      } else {
        for (int32_t i = 0; i < count; i++) {
          int32_t same[FOUR];
          dot_four(x, a->w + (first + i) * a->inputs, 0, a->inputs, same);
          sums[i] = same[0];
        }
      }
      for (int32_t i = 0; i < count; i++) {
        const int32_t at = row * a->outputs + first + i;
        const int64_t made = linear_finished(&finish, sums[i], a->multiplier[first + i]);
        a->y[at] = tw_saturated(residual ? made + residual[at] : made);
      }
    }
  }
}

void linear_rows_helium(const void *args, tw_work work) { linear(args, 0, work); }

void linear_rows_add_helium(const void *args, tw_work work) {
  const linear_rows_add_helium_args *const a = args;
  const linear_rows_helium_args rows = {
      .x = a->x,
      .w = a->w,
      .multiplier = a->multiplier,
      .y = a->y,
      .rows = a->rows,
      .inputs = a->inputs,
      .outputs = a->outputs,
      .sum_shift = a->sum_shift,
      .shift = a->shift,
  };
  linear(&rows, a->residual, work);
}
