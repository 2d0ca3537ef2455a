#include <math.h>

#include "rows.h"

static float combined_f32(float a, float b, int32_t kind) {
  switch (kind) {
  case ROW_SUM:
    return a + b;
  case ROW_PRODUCT:
    return a * b;
  case ROW_MIN:
    return b < a || isnan(b) ? b : a;
  default:
    return b > a || isnan(b) ? b : a;
  }
}

void reduce_row_f32(const void *args, tw_work work) {
  const reduce_row_f32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = k->x + row * k->columns;
    float made = x[0];
    for (int32_t i = 1; i < k->columns; i++) {
      made = combined_f32(made, x[i], k->kind);
    }
    k->y[row] = made;
  }
}
