#include "finish_rows_xpulp.h"

#include "linear_finish_xpulp.h"

/// Outputs [start, stop) of one row.
static inline void finish_row(const finish_rows_xpulp_args *a, int32_t row, const int16_t *residual,
                              int32_t start, int32_t stop) {
  const int8_t *const factor = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES) + a->inputs;
  const short_finish by = short_finish_of(factor, a->sum_shift, a->shift);
  const int32_t *const sums = a->sums + row * a->outputs;
  int16_t *const y = a->y + row * a->outputs;
  const int16_t *const multiplier = a->multiplier;
  const int16_t *const added = residual ? residual + row * a->outputs : 0;
  if (!by.is_short) {
    for (int32_t i = start; i < stop; i++) {
      const int32_t shifts[2] = {a->sum_shift, a->shift};
      y[i] = finished_slowly(factor, shifts, sums[i], multiplier[i], added ? added[i] : 0);
    }
  } else if (added) {
    for (int32_t i = start; i < stop; i++) {
      y[i] = (int16_t)xp_within_15_bits(finished(&by, sums[i], multiplier[i]) + added[i]);
    }
  } else {
    for (int32_t i = start; i < stop; i++) {
      y[i] = (int16_t)xp_within_15_bits(finished(&by, sums[i], multiplier[i]));
    }
  }
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
