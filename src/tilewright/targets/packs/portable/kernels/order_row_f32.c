#include "rows.h"

/// Whether element a, at place at_a of its row, comes before b.
static int comes_before(float a, int32_t at_a, float b, int32_t at_b, int32_t is_least) {
  if (a < b || a > b) {
    return is_least ? a < b : a > b;
  }
  return at_a < at_b;
}

/// The first of the elements that come after the one at `last`; of all where that is -1.
static int32_t next_in_order(const float *x, int32_t columns, int32_t last, int32_t is_least) {
  int32_t best = -1;
  for (int32_t i = 0; i < columns; i++) {
    const int is_after = last < 0 || comes_before(x[last], last, x[i], i, is_least);
    if (is_after && (best < 0 || comes_before(x[i], i, x[best], best, is_least))) {
      best = i;
    }
  }
  return best;
}

void order_row_f32(const void *args, tw_work work) {
  const order_row_f32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = k->x + row * k->columns;
    int32_t last = -1;
    for (int32_t place = 0; place < k->count; place++) {
      last = next_in_order(x, k->columns, last, k->is_least);
      k->y[row * k->count + place] = last;
    }
  }
}
