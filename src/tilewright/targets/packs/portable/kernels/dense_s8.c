/// Dense layer over rows that are widened to int16 first; all reads of a block of rows come before
/// its writes.
#include "dense_s8.h"
#include "dot_s8.h"

static inline void dense_s8_core(const void *args, tw_work work, tw_rounding rounding) {
  const dense_s8_args *a = args;
  int16_t *const widened = work.scratch;
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  const dot_s8_weights weights = {a->w, a->in_c, a->w_zero};
  for (int32_t row = work.start; row < work.stop; row += DOT_PATCHES) {
    const int32_t rows = tw_min(work.stop - row, DOT_PATCHES);
    int8_t *y = a->y + row * a->out_c;
    dot_widen(a->x + row * a->in_c, rows * a->in_c, widened);
    if (rows == DOT_PATCHES) {
      dot_s8_four_rows(widened, a->in_c, &weights, (tw_span){0, a->out_c}, &tables, rounding, y,
                       a->out_c);
      continue;
    }
    for (int32_t r = 0; r < rows; r++) {
      dot_s8_row(widened + r * a->in_c, &weights, 0, a->out_c, &tables, rounding, y + r * a->out_c);
    }
  }
}

void dense_s8_double(const void *args, tw_work work) { dense_s8_core(args, work, TW_ROUND_DOUBLE); }

void dense_s8_half_even(const void *args, tw_work work) {
  dense_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void dense_s8_half_up(const void *args, tw_work work) {
  dense_s8_core(args, work, TW_ROUND_HALF_UP);
}
