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

/// Whether sums of rows of four elements are scaled sixteen bits at a time, from -high - 1 to high:
/// larger ones are beyond all bounds, as 258 * 2**15 >> 16 is above 128.
static inline int32_t matmul_fours_is_narrow(const matmul_s8_args *p) {
  return p->depth == 4 && p->a_zero == 0 && p->y_zero == 0 && p->low == -p->high - 1 &&
         p->shift == 16 && p->multiplier >= 258 && p->multiplier < 1 << 15;
}

#define FOURS_ALL(one) one("%[r0]") one("%[r1]") one("%[r2]") one("%[r3]")
#define FOURS_DOT(r, b) ".insn r 0x57, 1, 0x4c, " r ", %[x], %[" b "]\n\t"      // pv.dotsp.b
#define FOURS_HALF_WORD(r) ".insn r 0x33, 1, 0x0a, " r ", " r ", x16\n\t"       // p.clipi
#define FOURS_SCALE(r) ".insn r 0x5b, 4, 0x50, " r ", " r ", %[multiplier]\n\t" // p.mulsNR
#define FOURS_BOUND(r) ".insn r 0x33, 5, 0x0a, " r ", " r ", %[high]\n\t"       // p.clip

/// The same by a hardware loop, columns from [4][columns] or, transposed, [columns][4].
static inline void matmul_fours_narrow(const matmul_s8_args *p, const int8_t *a, const int8_t *b,
                                       int32_t count, int8_t *y) {
  const int32_t columns = p->columns;
  for (int32_t c = 0; c < columns; c += 4, y += 4) {
    int8_t turned[16] __attribute__((aligned(4)));
    const int8_t *of = b + 4 * c, *x = a;
    if (!p->transposes_b) {
      of = b + c;
      xp_turn(xp_load(of), xp_load(of + columns), xp_load(of + 2 * columns),
              xp_load(of + 3 * columns), turned, 4);
      of = turned;
    }
    int8_t *to = y;
    int32_t word, r0, r1, r2, r3;
    __asm__ volatile(
        ".option push\n\t.option norvc\n\t"
        ".insn i 0x7b, 4, x0, %[n], 40\n\t"     // lp.setup: 20 instructions
        ".insn i 0x0b, 2, %[x], %[from], 4\n\t" // p.lw
        FOURS_DOT("%[r0]", "b0") FOURS_DOT("%[r1]", "b1") FOURS_DOT("%[r2]", "b2")
            FOURS_DOT("%[r3]", "b3") FOURS_ALL(FOURS_HALF_WORD) FOURS_ALL(FOURS_SCALE) FOURS_ALL(
                FOURS_BOUND) ".insn r 0x57, 1, 0x70, %[x], %[r1], %[r0]\n\t" // pv.packlo.b,
                                                                             // pv.packhi.b
                             ".insn r 0x57, 1, 0x6c, %[x], %[r3], %[r2]\n\t"
                             ".insn r 0x2b, 6, 0x00, %[step], %[to], %[x]\n\t" // p.sw
                             ".option pop"
        : [x] "=&r"(word), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3),
          [from] "+r"(x), [to] "+r"(to)
        : [n] "r"(count), [b0] "r"(xp_load(of)), [b1] "r"(xp_load(of + 4)),
          [b2] "r"(xp_load(of + 8)), [b3] "r"(xp_load(of + 12)), [step] "r"(columns),
          [multiplier] "r"(p->multiplier), [high] "r"(p->high)
        : "memory");
  }
}

/// Rows of one matrix.
typedef struct {
  const int8_t *a, *b;
  int8_t *y;
  int32_t count;
} matmul_fours_rows;

static inline matmul_fours_rows matmul_fours_rows_at(const matmul_s8_args *p, int32_t item,
                                                     int32_t stop) {
  const int32_t rows = p->rows, batch = item < rows ? 0 : item / rows, row = item - batch * rows;
  const int32_t outer = batch < p->n3 ? 0 : batch / p->n3, inner = batch - outer * p->n3;
  int32_t of_a = inner * p->a3, of_b = inner * p->b3;
  if (outer > 0) { // each start takes four divisions
    of_a += tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2);
    of_b += tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2);
  }
  return (matmul_fours_rows){p->a + (of_a * rows + row) * p->depth,
                             p->b + of_b * p->depth * p->columns, p->y + item * p->columns,
                             p_min(rows - row, stop - item)};
}

static __attribute__((noinline)) void matmul_fours_all_narrow(const matmul_s8_args *p,
                                                              tw_work work) {
  for (int32_t item = work.start; item < work.stop;) {
    const matmul_fours_rows rows = matmul_fours_rows_at(p, item, work.stop);
    matmul_fours_narrow(p, rows.a, rows.b, rows.count, rows.y);
    item += rows.count;
  }
}

static __attribute__((noinline)) void matmul_fours_all(const matmul_s8_args *p, tw_work work) {
  const int32_t depth = p->depth, columns = p->columns;
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->y_zero, p->high - p->y_zero};
  int32_t *const starts = work.scratch;
  int8_t *const laid_out = (int8_t *)(starts + columns);
  for (int32_t item = work.start; item < work.stop;) {
    const matmul_fours_rows rows = matmul_fours_rows_at(p, item, work.stop);
    const int8_t *b = rows.b;
    item += rows.count;
    if (p->transposes_b) {
      xp_starts(b, depth, columns, p->a_zero, starts);
    } else {
      xp_matrix(b, depth, columns, p->a_zero, laid_out, depth, starts);
      b = laid_out;
    }
    if (depth == 4) {
      matmul_fours_short(rows.a, b, starts, rows.count, columns, scale, p->y_zero, rows.y);
      continue;
    }
    for (int32_t i = 0; i < rows.count; ++i) {
      xp_row_product(rows.a + i * depth, b, starts, depth, depth >> 2, columns, scale, p->y_zero,
                     rows.y + i * columns);
    }
  }
}

void matmul_fours_xpulp(const void *args, tw_work work) {
  if (matmul_fours_is_narrow(args)) {
    matmul_fours_all_narrow(args, work);
  } else {
    matmul_fours_all(args, work);
  }
}
