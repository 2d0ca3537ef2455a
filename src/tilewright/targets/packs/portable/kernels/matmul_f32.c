#include "matmul_f32.h"

#include "broadcast.h"
#include "tw_arithmetic.h"

enum { LANES = 8 }; // outputs of one row that are summed together

/// y[j] = x . column j of b for `count` columns.
static void matmul_f32_block(const float *x, const float *b, const matmul_f32_args *p,
                             int32_t count, float *y) {
  const int32_t along = p->transposes_b ? p->depth : 1;
  const int32_t down = p->transposes_b ? 1 : p->columns;
  float sum[LANES] = {0.0F};
  for (int32_t k = 0; k < p->depth; k++) {
    for (int32_t j = 0; j < count; j++) {
      sum[j] += x[k] * b[k * down + j * along];
    }
  }
  for (int32_t j = 0; j < count; j++) {
    y[j] = sum[j];
  }
}

void matmul_f32(const void *args, tw_work work) {
  const matmul_f32_args *const p = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t batch = item / p->rows, row = item % p->rows;
    const int32_t outer = batch / p->n3, inner = batch % p->n3;
    const int32_t of_a = tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2) + inner * p->a3;
    const int32_t of_b = tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2) + inner * p->b3;
    const float *const x = p->a + (of_a * p->rows + row) * p->depth;
    const float *const b = p->b + of_b * p->depth * p->columns;
    for (int32_t first = 0; first < p->columns; first += LANES) {
      const float *const block = b + first * (p->transposes_b ? p->depth : 1);
      matmul_f32_block(x, block, p, tw_min(p->columns - first, LANES),
                       p->y + item * p->columns + first);
    }
  }
}
