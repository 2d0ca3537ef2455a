#include "mul_f32.h"

#include "binary_f32.h"

void mul_f32(const void *args, tw_work work) {
  const mul_f32_args *const k = args;
  int32_t count = 0;
  for (int32_t i = work.start; i < work.stop; i += count) {
    const int32_t row = i / k->n3, column = i % k->n3;
    count = k->n3 - column < work.stop - i ? k->n3 - column : work.stop - i;
    const float *const a = k->a + tw_row_start(row, k->n1, k->n2, k->a0, k->a1, k->a2);
    const float *const b = k->b + tw_row_start(row, k->n1, k->n2, k->b0, k->b1, k->b2);
    binary_row_f32(a + column * k->a3, k->a3, b + column * k->b3, k->b3, k->y + i, count, k->low,
                   k->high, BINARY_MUL);
  }
}
