#include "binary.h"
#include "broadcast.h"

static int32_t compared(float a, float b, int32_t kind) {
  switch (kind) {
  case BINARY_KIND_EQUAL:
    return a <= b && a >= b;
  case BINARY_KIND_LESS:
    return a < b;
  default:
    return a <= b;
  }
}

void compare_f32(const void *args, tw_work work) {
  const compare_f32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t row = i / k->n3, column = i % k->n3;
    const float a = k->a[tw_row_start(row, k->n1, k->n2, k->a0, k->a1, k->a2) + column * k->a3];
    const float b = k->b[tw_row_start(row, k->n1, k->n2, k->b0, k->b1, k->b2) + column * k->b3];
    k->y[i] = compared(a, b, k->kind);
  }
}
