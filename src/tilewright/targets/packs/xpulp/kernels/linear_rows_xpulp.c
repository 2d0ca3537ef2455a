#include "linear_rows_xpulp.h"

#include "linear_finish_xpulp.h"

enum { FOUR = 4, SUMS = 32 };

/// Four rows of weights and what they make with a row of x.
typedef struct {
  const int8_t *w0, *w1, *w2, *w3;
  int32_t a, b, c, d;
} four;

/// Word by word: five p.lw, four pv.sdotsp.b. Words need no alignment.
static inline const int8_t *add_words(const int8_t *x, int32_t words, four *f) {
  int32_t value, t0, t1;
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
                   : [a] "+r"(f->a), [b] "+r"(f->b), [c] "+r"(f->c), [d] "+r"(f->d), [x] "+r"(x),
                     [w0] "+r"(f->w0), [w1] "+r"(f->w1), [w2] "+r"(f->w2), [w3] "+r"(f->w3),
                     [v] "=&r"(value), [t0] "=&r"(t0), [t1] "=&r"(t1)
                   : [n] "r"(words)
                   : "memory");
  return x;
}

/// Sums of n products each. The last rows may be one and the same.
static inline void sum_four(const int8_t *x, int32_t n, four *f) {
  if (n >= 4) {
    x = add_words(x, n >> 2, f);
  }
  for (int32_t i = 0; i < (n & 3); i++) {
    const int32_t value = x[i];
    f->a = p_mac(f->a, value, f->w0[i]);
    f->b = p_mac(f->b, value, f->w1[i]);
    f->c = p_mac(f->c, value, f->w2[i]);
    f->d = p_mac(f->d, value, f->w3[i]);
  }
}

/// One row's part.
static inline void linear_row(const linear_rows_xpulp_args *a, int32_t row, const int16_t *added,
                              tw_work work) {
  const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
  const int8_t *const factor = x + a->inputs;
  const row_finish by = row_finish_of(factor, a->sum_shift, a->shift);
  const int32_t step = a->inputs, stop = p_min(work.stop * FOUR, a->outputs);
  int16_t *const y = a->y + row * a->outputs;
  const int8_t *w = a->w + work.start * FOUR * step;
  int32_t sums[SUMS], done = work.start * FOUR;
  for (int32_t at = done; at < stop; at += FOUR, w += FOUR * step) {
    const int32_t last = p_min(stop - at, FOUR) - 1;
    four f = {w, w + p_min(last, 1) * step, w + p_min(last, 2) * step, w + last * step, 0, 0, 0, 0};
    sum_four(x, step, &f);
    int32_t *const held = sums + (at - done);
    held[0] = f.a;
    held[1] = f.b;
    held[2] = f.c;
    held[3] = f.d;
    if (at + FOUR >= stop || at + FOUR == done + SUMS) {
      const int32_t next = p_min(at + FOUR, stop);
      finish_outputs(&by, sums, a->multiplier + done, added ? added + done : 0, y + done,
                     next - done);
      done = next;
    }
  }
}

void linear_rows_xpulp(const void *args, tw_work work) {
  const linear_rows_xpulp_args *const a = args;
  for (int32_t row = 0; row < a->rows; row++) {
    linear_row(a, row, a->residual ? a->residual + row * a->outputs : 0, work);
  }
}
