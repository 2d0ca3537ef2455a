#include "linear_rows.h"

#include "linear_rows_finish.h"

static inline int32_t dot(const int8_t *x, const int8_t *w, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) {
    sum += x[i] * w[i];
  }
  return sum;
}

static inline void linear(const linear_rows_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    const linear_finish finish = linear_finish_of(x + a->inputs, a->sum_shift, a->shift);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int32_t sum = dot(x, a->w + item * a->inputs, a->inputs);
      const int64_t made = linear_finished(&finish, sum, a->multiplier[item]);
      const int32_t at = row * a->outputs + item;
      a->y[at] = tw_saturated(residual ? made + residual[at] : made);
    }
  }
}

void linear_rows(const void *args, tw_work work) { linear(args, 0, work); }

void linear_rows_add(const void *args, tw_work work) {
  const linear_rows_add_args *const a = args;
  const linear_rows_args rows = {
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
