/// Columns of b become rows of words, unless they are; then rows of a meet four at a time.
#include "matmul_fours_xpulp.h"

#include "broadcast.h"
#include "xp_fours.h"

/// Rows of four elements, which four columns in registers meet.
static inline void matmul_fours_short(const int8_t *a, const int8_t *rows, const int32_t *starts,
                                      int32_t count, int32_t columns, xp_scale scale, int32_t zero,
                                      int8_t *y) {
  for (int32_t c = 0; c < columns; c += 4) {
    const int32_t b0 = xp_load(rows + c * 4), b1 = xp_load(rows + c * 4 + 4);
    const int32_t b2 = xp_load(rows + c * 4 + 8), b3 = xp_load(rows + c * 4 + 12);
    const int32_t s0 = starts[c], s1 = starts[c + 1], s2 = starts[c + 2], s3 = starts[c + 3];
    const int8_t *x = a;
    int8_t *to = y + c;
    for (int32_t row = 0; row < count; ++row, x += 4, to += columns) {
      const int32_t word = xp_load(x);
      const int32_t y0 = xp_scaled(pv_sdotsp_b(s0, word, b0), scale) + zero;
      const int32_t y1 = xp_scaled(pv_sdotsp_b(s1, word, b1), scale) + zero;
      const int32_t y2 = xp_scaled(pv_sdotsp_b(s2, word, b2), scale) + zero;
      const int32_t y3 = xp_scaled(pv_sdotsp_b(s3, word, b3), scale) + zero;
      xp_store(to, xp_pack(y0, y1, y2, y3));
    }
  }
}

void matmul_fours_xpulp(const void *args, tw_work work) {
  const matmul_s8_args *const p = args;
  const int32_t depth = p->depth, columns = p->columns, rows = p->rows;
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->y_zero, p->high - p->y_zero};
  int32_t *const starts = work.scratch;
  int8_t *const laid_out = (int8_t *)(starts + columns);
  int32_t count;
  for (int32_t item = work.start; item < work.stop; item += count) {
    const int32_t batch = item < rows ? 0 : item / rows, row = item - batch * rows;
    const int32_t outer = batch / p->n3, inner = batch - outer * p->n3;
    int32_t of_a = inner * p->a3, of_b = inner * p->b3;
    if (outer > 0) { // each start takes four divisions
      of_a += tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2);
      of_b += tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2);
    }
    const int8_t *const a = p->a + (of_a * rows + row) * depth;
    const int8_t *b = p->b + of_b * depth * columns;
    int8_t *const y = p->y + item * columns;
    count = p_min(rows - row, work.stop - item);
    if (p->transposes_b) {
      xp_starts(b, depth, columns, p->a_zero, starts);
    } else {
      xp_matrix(b, depth, columns, p->a_zero, laid_out, depth, starts);
      b = laid_out;
    }
    if (depth == 4) {
      matmul_fours_short(a, b, starts, count, columns, scale, p->y_zero, y);
      continue;
    }
    for (int32_t i = 0; i < count; ++i) {
      xp_row_product(a + i * depth, b, starts, depth, depth >> 2, columns, scale, p->y_zero,
                     y + i * columns);
    }
  }
}
