#include "finish_rows_xpulp.h"

#include "linear_finish_xpulp.h"

void finish_rows_xpulp(const void *args, tw_work work) {
  const finish_rows_xpulp_args *const a = args;
  const int32_t start = 2 * work.start, count = p_min(2 * work.stop, a->outputs) - start;
  const int8_t *factor = a->x + a->inputs;
  for (int32_t row = 0, at = start; row < a->rows; row++, at += a->outputs) {
    const row_finish by = row_finish_of(factor, a->sum_shift, a->shift);
    finish_outputs(&by, a->sums + at, a->multiplier + start, a->residual ? a->residual + at : 0,
                   a->y + at, count);
    factor += a->inputs + TW_ROW_FACTOR_BYTES;
  }
}
