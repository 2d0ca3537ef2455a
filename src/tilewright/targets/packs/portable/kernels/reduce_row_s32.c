#include "rows.h"
#include "wrapped_s32.h"

static int32_t combined_s32(int32_t a, int32_t b, int32_t kind) {
  switch (kind) {
  case ROW_SUM:
    return tw_wrapped_add(a, b);
  case ROW_PRODUCT:
    return tw_wrapped_mul(a, b);
  case ROW_MIN:
    return b < a ? b : a;
  default:
    return b > a ? b : a;
  }
}

void reduce_row_s32(const void *args, tw_work work) {
  const reduce_row_s32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t *const x = k->x + row * k->columns;
    int32_t made = x[0];
    for (int32_t i = 1; i < k->columns; i++) {
      made = combined_s32(made, x[i], k->kind);
    }
    k->y[row] = made;
  }
}
