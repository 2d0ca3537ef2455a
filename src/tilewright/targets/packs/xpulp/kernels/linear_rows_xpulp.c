#include "linear_rows_xpulp.h"

#include "xpulp.h"

#include "linear_rows_finish.h"

enum { FOUR = 4 };

/// Sums of four rows of w, `step` bytes apart, with one row of x. Words need no alignment.
static inline void dot_four(const int8_t *x, const int8_t *w, int32_t step, int32_t n,
                            int32_t sums[4]) {
  int32_t a = 0, b = 0, c = 0, d = 0;
  const int8_t *const w1 = w + step, *const w2 = w1 + step, *const w3 = w2 + step;
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const int32_t value = *(const xp_word *)(const void *)(x + i);
    a = pv_sdotsp_b(a, value, *(const xp_word *)(const void *)(w + i));
    b = pv_sdotsp_b(b, value, *(const xp_word *)(const void *)(w1 + i));
    c = pv_sdotsp_b(c, value, *(const xp_word *)(const void *)(w2 + i));
    d = pv_sdotsp_b(d, value, *(const xp_word *)(const void *)(w3 + i));
  }
  for (; i < n; i++) {
    a += x[i] * w[i];
    b += x[i] * w1[i];
    c += x[i] * w2[i];
    d += x[i] * w3[i];
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

/// The last outputs, fewer than four, are summed one by one.
static inline void linear(const linear_rows_xpulp_args *a, const int16_t *residual, tw_work work) {
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

void linear_rows_xpulp(const void *args, tw_work work) { linear(args, 0, work); }

void linear_rows_add_xpulp(const void *args, tw_work work) {
  const linear_rows_add_xpulp_args *const a = args;
  const linear_rows_xpulp_args rows = {
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
