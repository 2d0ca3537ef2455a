#include "dense_sum_s8.h"

#include "dot_sums_s8.h"

void dense_sum_s8(const void *args, tw_work work) {
  const dense_sum_s8_args *const a = args;
  int16_t *const widened = work.scratch;
  const dot_s8_weights weights = {a->w, a->in_c, a->w_zero};
  for (int32_t row = work.start; row < work.stop; row++) {
    dot_widen(a->x + row * a->in_c, a->in_c, widened);
    dot_sums_row(widened, &weights, a->out_c, a->bias, a->adds, a->y + row * a->out_c);
  }
}
