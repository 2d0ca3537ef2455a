/// Four rows of bytes meet one: nine instructions for sixteen products.
#pragma once

#include "xpulp.h"

/// acc[i] += x times row i of words that lie `step` bytes apart.
static inline void xp_four_rows(const int8_t *x, const int8_t *rows, int32_t step, int32_t words,
                                int32_t acc[4]) {
  const int8_t *a = rows, *b = a + step, *c = b + step, *d = c + step;
  int32_t s0 = acc[0], s1 = acc[1], s2 = acc[2], s3 = acc[3], w, t, u;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 18\n\t" // lp.setup: 9 instructions
      ".insn i 0x0b, 2, %[w], %[x], 4\n\t"
      ".insn i 0x0b, 2, %[t], %[a], 4\n\t"
      ".insn i 0x0b, 2, %[u], %[b], 4\n\t"
      ".insn r 0x57, 1, 0x5c, %[s0], %[w], %[t]\n\t"
      ".insn i 0x0b, 2, %[t], %[c], 4\n\t"
      ".insn r 0x57, 1, 0x5c, %[s1], %[w], %[u]\n\t"
      ".insn i 0x0b, 2, %[u], %[d], 4\n\t"
      ".insn r 0x57, 1, 0x5c, %[s2], %[w], %[t]\n\t"
      ".insn r 0x57, 1, 0x5c, %[s3], %[w], %[u]\n\t"
      ".option pop"
      : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x), [a] "+r"(a),
        [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [w] "=&r"(w), [t] "=&r"(t), [u] "=&r"(u)
      : [n] "r"(words)
      : "memory");
  acc[0] = s0;
  acc[1] = s1;
  acc[2] = s2;
  acc[3] = s3;
}

/// What scales sums to bytes, in registers: bytes are stored through pointers that may be anywhere.
typedef struct {
  int32_t multiplier, shift, low, high; // bounds before the zero point
} xp_scale;

/// Rounded half up, clipped; the zero point is left out.
static inline int32_t xp_scaled(int32_t acc, xp_scale by) {
  return p_min(p_max(p_addrn(acc * by.multiplier, 0, by.shift), by.low), by.high);
}

/// p.lb: the byte at an index
static inline int32_t p_lb_at(const int8_t *base, int32_t at) {
  int32_t out;
  __asm__(".insn r 0x03, 7, 0x00, %0, %1, %2"
          : "=r"(out)
          : "r"(base), "r"(at), "m"(*(const char (*)[256])base));
  return out;
}

/// p.lw: the word at so many bytes
static inline int32_t p_lw_at(const int32_t *base, int32_t at) {
  int32_t out;
  __asm__(".insn r 0x03, 7, 0x10, %0, %1, %2" : "=r"(out) : "r"(base), "r"(at), "m"(*base));
  return out;
}

/// Columns of four rows of four bytes, to rows `step` bytes apart.
static inline void xp_turn(int32_t r0, int32_t r1, int32_t r2, int32_t r3, int8_t *to,
                           int32_t step) {
  const int32_t low = 0x05010400, high = 0x07030602, first = 0x00020000, second = 0x00030001;
  const int32_t a = pv_shuffle2_b(r0, r1, low), b = pv_shuffle2_b(r2, r3, low);
  const int32_t c = pv_shuffle2_b(r0, r1, high), d = pv_shuffle2_b(r2, r3, high);
  xp_store(to, pv_shuffle2_h(a, b, first));
  xp_store(to + step, pv_shuffle2_h(a, b, second));
  xp_store(to + 2 * step, pv_shuffle2_h(c, d, first));
  xp_store(to + 3 * step, pv_shuffle2_h(c, d, second));
}

/// Columns of bytes as rows: four columns of `count` rows that lie `pitch` bytes apart become four
/// rows of words that lie `step` bytes apart, zeros behind the last element.
static inline void xp_columns(const int8_t *from, int32_t pitch, int32_t count, int8_t *to,
                              int32_t step) {
  for (; count >= 4; count -= 4, to += 4) {
    const int32_t r0 = p_lw_post(&from, pitch), r1 = p_lw_post(&from, pitch);
    const int32_t r2 = p_lw_post(&from, pitch), r3 = p_lw_post(&from, pitch);
    xp_turn(r0, r1, r2, r3, to, step);
  }
  if (count > 0) {
    const int32_t r0 = xp_load(from), r1 = count > 1 ? xp_load(from + pitch) : 0;
    const int32_t r2 = count > 2 ? xp_load(from + 2 * pitch) : 0;
    xp_turn(r0, r1, r2, 0, to, step);
  }
}

/// What sums with rows of `step` bytes begin with: minus `zero` times the row's sum.
static inline void xp_starts(const int8_t *rows, int32_t step, int32_t count, int32_t zero,
                             int32_t *starts) {
  for (int32_t c = 0; c < count; ++c) {
    int32_t sum = 0;
    for (int32_t i = 0; zero != 0 && i < step; i += 4) {
      sum = pv_sdotsp_b(sum, xp_load(rows + c * step + i), 0x01010101);
    }
    starts[c] = -zero * sum;
  }
}

/// All columns of a matrix [count][columns] as rows of `step` bytes, and their starts.
static inline void xp_matrix(const int8_t *from, int32_t count, int32_t columns, int32_t zero,
                             int8_t *to, int32_t step, int32_t *starts) {
  for (int32_t c = 0; c < columns; c += 4) {
    xp_columns(from + c, columns, count, to + c * step, step);
  }
  xp_starts(to, step, columns, zero, starts);
}

/// A row of `words` words meets `columns` rows of `step` bytes: results of one row of the output.
static inline void xp_row_product(const int8_t *x, const int8_t *rows, const int32_t *starts,
                                  int32_t step, int32_t words, int32_t columns, xp_scale scale,
                                  int32_t zero, int8_t *y) {
  for (int32_t c = 0; c < columns; c += 4) {
    int32_t acc[4] = {starts[c], starts[c + 1], starts[c + 2], starts[c + 3]};
    xp_four_rows(x, rows + c * step, step, words, acc);
#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
      acc[i] = xp_scaled(acc[i], scale) + zero;
    }
    xp_store(y + c, xp_pack(acc[0], acc[1], acc[2], acc[3]));
  }
}
