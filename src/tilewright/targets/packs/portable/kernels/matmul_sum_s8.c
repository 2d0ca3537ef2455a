#include "matmul_sum_s8.h"

#include "matmul_s8_core.h"

/// One row of sums; `excess`: b_zero * sum(x).
static void matmul_sum_row(const matmul_sum_s8_args *p, const int16_t *x, int32_t excess,
                           const int8_t *b, int32_t *y) {
  for (int32_t first = 0; first < p->columns; first += MATMUL_COLUMNS) {
    const int32_t count = tw_min(p->columns - first, MATMUL_COLUMNS);
    int32_t acc[MATMUL_COLUMNS];
    if (p->transposes_b) {
      matmul_rows(x, b + first * p->depth, p->depth, count, acc);
    } else {
      matmul_columns(x, b + first, p->depth, p->columns, count, acc);
    }
    for (int32_t j = 0; j < count; j++) {
      y[first + j] = acc[j] - excess + (p->adds ? y[first + j] : 0);
    }
  }
}

void matmul_sum_s8(const void *args, tw_work work) {
  const matmul_sum_s8_args *const p = args;
  int16_t *const centred = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t batch = item / p->rows, row = item % p->rows;
    const int32_t outer = batch / p->n3, inner = batch % p->n3;
    const int32_t of_a = tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2) + inner * p->a3;
    const int32_t of_b = tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2) + inner * p->b3;
    const int8_t *const a = p->a + (of_a * p->rows + row) * p->depth;
    const int8_t *const b = p->b + of_b * p->depth * p->columns;
    const int32_t sum = matmul_centre(a, p->a_zero, p->depth, centred);
    matmul_sum_row(p, centred, p->b_zero * sum, b, p->y + item * p->columns);
  }
}
