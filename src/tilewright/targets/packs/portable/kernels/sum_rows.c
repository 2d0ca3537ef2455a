#include "sum_rows.h"

#include "linear_rows_finish.h"

void sum_rows(const void *args, tw_work work) {
  const sum_rows_args *const a = args;
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int8_t *const w = a->w + item * a->inputs;
      int32_t sum = 0;
      for (int32_t i = 0; i < a->inputs; i++) {
        sum += x[i] * w[i];
      }
      a->y[row * a->outputs + item] = sum;
    }
  }
}

static inline void finish(const finish_rows_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const factor = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES) + a->inputs;
    const linear_finish by = linear_finish_of(factor, a->sum_shift, a->shift);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int32_t at = row * a->outputs + item;
      const int64_t made = linear_finished(&by, a->sums[at], a->multiplier[item]);
      a->y[at] = tw_saturated(residual ? made + residual[at] : made);
    }
  }
}

void finish_rows(const void *args, tw_work work) { finish(args, 0, work); }

void finish_rows_add(const void *args, tw_work work) {
  const finish_rows_add_args *const a = args;
  const finish_rows_args rows = {
      .sums = a->sums,
      .x = a->x,
      .multiplier = a->multiplier,
      .y = a->y,
      .rows = a->rows,
      .inputs = a->inputs,
      .outputs = a->outputs,
      .sum_shift = a->sum_shift,
      .shift = a->shift,
  };
  finish(&rows, a->residual, work);
}
