#include "linear_rows_xpulp.h"

#include "linear_finish_xpulp.h"

enum { FOUR = 4 };

/// Sums of four rows of w with one row of x, word by word: five p.lw, four pv.sdotsp.b. Words need
/// no alignment.
static inline void dot_words(const int8_t *x, const int8_t *const w[FOUR], int32_t words,
                             int32_t sums[FOUR]) {
  const int8_t *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  int32_t a = 0, b = 0, c = 0, d = 0, value, t0, t1;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 18\n\t" // lp.setup: 9 instructions
                   ".insn i 0x0b, 2, %[v], %[x], 4\n\t"
                   ".insn i 0x0b, 2, %[t0], %[w0], 4\n\t"
                   ".insn i 0x0b, 2, %[t1], %[w1], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[a], %[v], %[t0]\n\t"
                   ".insn i 0x0b, 2, %[t0], %[w2], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[b], %[v], %[t1]\n\t"
                   ".insn i 0x0b, 2, %[t1], %[w3], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[c], %[v], %[t0]\n\t"
                   ".insn r 0x57, 1, 0x5c, %[d], %[v], %[t1]\n\t"
                   ".option pop"
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x), [w0] "+r"(w0),
                     [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [v] "=&r"(value), [t0] "=&r"(t0),
                     [t1] "=&r"(t1)
                   : [n] "r"(words)
                   : "memory");
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

/// Sums of n products, of rows `step` bytes apart.
static inline void dot_four(const int8_t *x, const int8_t *w, int32_t step, int32_t n,
                            int32_t sums[FOUR]) {
  const int8_t *const rows[FOUR] = {w, w + step, w + 2 * step, w + 3 * step};
  memset(sums, 0, FOUR * sizeof *sums);
  if (n >= 4) {
    dot_words(x, rows, n >> 2, sums);
  }
  for (int32_t i = n & ~3; i < n; i++) {
    for (int32_t o = 0; o < FOUR; o++) {
      sums[o] += x[i] * rows[o][i];
    }
  }
}

/// The last outputs, fewer than four, are summed one by one.
static inline void sums_of(const linear_rows_xpulp_args *a, const int8_t *x, int32_t first,
                           int32_t count, int32_t sums[FOUR]) {
  if (count == FOUR) {
    dot_four(x, a->w + first * a->inputs, a->inputs, a->inputs, sums);
    return;
  }
  for (int32_t i = 0; i < count; i++) {
    int32_t same[FOUR];
    dot_four(x, a->w + (first + i) * a->inputs, 0, a->inputs, same);
    sums[i] = same[0];
  }
}

static inline void linear(const linear_rows_xpulp_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    const short_finish finish = short_finish_of(x + a->inputs, a->sum_shift, a->shift);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int32_t first = item * FOUR;
      const int32_t count = p_min(a->outputs - first, FOUR);
      int32_t sums[FOUR];
      sums_of(a, x, first, count, sums);
      for (int32_t i = 0; i < count; i++) {
        const int32_t at = row * a->outputs + first + i;
        const int32_t multiplier = a->multiplier[first + i];
        a->y[at] = finished_any(&finish, sums[i], multiplier, residual ? residual[at] : 0);
      }
    }
  }
}

void linear_rows_xpulp(const void *args, tw_work work) { linear(args, 0, work); }

void linear_rows_add_xpulp(const void *args, tw_work work) {
  const linear_rows_add_xpulp_args *const a = args;
  const linear_rows_xpulp_args rows = {
      .x = a->x,
      .w = a->w,
      .multiplier = a->multiplier,
      .y = a->y,
      .rows = a->rows,
      .inputs = a->inputs,
      .outputs = a->outputs,
      .sum_shift = a->sum_shift,
      .shift = a->shift,
  };
  linear(&rows, a->residual, work);
}
