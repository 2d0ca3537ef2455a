#include "finish_rows_xpulp.h"

#include "linear_finish_xpulp.h"

/// Outputs [start, stop) of one row.
static inline void finish_row(const finish_rows_xpulp_args *a, int32_t row, const int16_t *residual,
                              int32_t start, int32_t stop) {
  const int8_t *const factor = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES) + a->inputs;
  const row_finish by = row_finish_of(factor, a->sum_shift, a->shift);
  const int32_t at = row * a->outputs + start;
  finish_outputs(&by, a->sums + at, a->multiplier + start, residual ? residual + at : 0, a->y + at,
                 stop - start);
}

static inline void finish(const finish_rows_xpulp_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    finish_row(a, row, residual, 2 * work.start, p_min(2 * work.stop, a->outputs));
  }
}

void finish_rows_xpulp(const void *args, tw_work work) { finish(args, 0, work); }

void finish_rows_add_xpulp(const void *args, tw_work work) {
  const finish_rows_add_xpulp_args *const a = args;
  const finish_rows_xpulp_args rows = {
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
