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
