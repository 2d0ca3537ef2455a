#include "rows.h"

void arg_row_f32(const void *args, tw_work work) {
  const arg_row_f32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = k->x + row * k->columns;
    int32_t best = 0;
    for (int32_t i = 1; i < k->columns; i++) {
      const int is_better = k->is_least ? x[i] < x[best] : x[i] > x[best];
      const int is_equal = x[i] >= x[best] && x[i] <= x[best];
      best = is_better || (is_equal && k->is_last) ? i : best;
    }
    k->y[row] = best;
  }
}

void arg_row_s32(const void *args, tw_work work) {
  const arg_row_s32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t *const x = k->x + row * k->columns;
    int32_t best = 0;
    for (int32_t i = 1; i < k->columns; i++) {
      const int is_better = k->is_least ? x[i] < x[best] : x[i] > x[best];
      const int is_equal = x[i] >= x[best] && x[i] <= x[best];
      best = is_better || (is_equal && k->is_last) ? i : best;
    }
    k->y[row] = best;
  }
}

void arg_row_s8(const void *args, tw_work work) {
  const arg_row_s8_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = k->x + row * k->columns;
    int32_t best = 0;
    for (int32_t i = 1; i < k->columns; i++) {
      const int is_better = k->is_least ? x[i] < x[best] : x[i] > x[best];
      const int is_equal = x[i] >= x[best] && x[i] <= x[best];
      best = is_better || (is_equal && k->is_last) ? i : best;
    }
    k->y[row] = best;
  }
}
