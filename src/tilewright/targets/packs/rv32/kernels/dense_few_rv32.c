#include "dense_few_rv32.h"
#include "dot_s8.h"

static inline void dense_few_rv32_core(const void *args, tw_work work, tw_rounding rounding) {
  const dense_few_rv32_args *const a = args;
  int16_t *const widened = work.scratch;
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  const dot_s8_weights weights = {a->w, a->in_c, a->w_zero};
  for (int32_t row = 0; row < a->rows; row++) {
    dot_widen(a->x + row * a->in_c, a->in_c, widened);
    dot_s8_row(widened, &weights, work.start, work.stop, &tables, rounding, a->y + row * a->out_c);
  }
}

void dense_few_rv32_double(const void *args, tw_work work) {
  dense_few_rv32_core(args, work, TW_ROUND_DOUBLE);
}

void dense_few_rv32_half_even(const void *args, tw_work work) {
  dense_few_rv32_core(args, work, TW_ROUND_HALF_EVEN);
}

void dense_few_rv32_half_up(const void *args, tw_work work) {
  dense_few_rv32_core(args, work, TW_ROUND_HALF_UP);
}
