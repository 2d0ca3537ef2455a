/// What kernels of language models share with XpulpV2: roundings of one instruction, and rows that
/// all cores work on together. The meaning is src/tilewright/ops/llm/rows.py.
#pragma once

#include <string.h>

#include "scaled_row.h"
#include "tilewright.h"
#include "xp_meet.h"
#include "xpulp.h"

enum { XP_SHARES = 8 };

/// A core's eighths of a row, of which every core has one at least: the cores meet in the middle of
/// a call, at the hardware barrier.
typedef struct {
  int32_t start, stop; // of `length` elements
} xp_part;

static inline xp_part xp_part_of(int32_t length, tw_work work) {
  return (xp_part){length * work.start >> 3, length * work.stop >> 3};
}

/// Bits of a number that is not 0: p.fl1 is where the highest one is.
static inline int32_t xp_bit_length(uint32_t x) {
  int32_t highest;
  __asm__(".insn r 0x33, 1, 0x08, %0, %1, x0" : "=r"(highest) : "r"(x));
  return highest + 1;
}

/// How a row whose largest magnitude is known becomes bytes.
typedef struct {
  int32_t excess, reciprocal;
  int32_t factor; // of the whole row
} xp_row_scale;

static inline xp_row_scale xp_row_scale_of(int32_t peak) {
  const int32_t excess = p_max(xp_bit_length((uint32_t)p_max(peak, 1)) - TW_FACTOR_BITS, 0);
  const int32_t factor = p_addrn(p_max(peak, 1), 0, excess);
  return (xp_row_scale){excess, ((int32_t)127 << 24) / factor, factor << excess};
}

/// wide[n] to bytes, which may lie anywhere: a hardware loop of six cycles each.
static inline void xp_scale_part(const int32_t *wide, int32_t n, const xp_row_scale *by,
                                 int8_t *y) {
  int32_t x, t;
  const int32_t fraction = 24, half = 1 << 23;
  if (n == 0) {
    return;
  }
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 12\n\t"              // lp.setup: 6 instructions
                   ".insn i 0x0b, 2, %[x], %[wide], 4\n\t"          // p.lw x, 4(wide!)
                   "mv %[t], %[half]\n\t"                           //
                   ".insn r 0x5b, 6, 0x20, %[x], x0, %[excess]\n\t" // p.addRN: rounded
                   ".insn r 0x33, 0, 0x21, %[t], %[x], %[reciprocal]\n\t" // p.mac: faster than mul
                   "sra %[t], %[t], %[fraction]\n\t"                      //
                   ".insn s 0x2b, 0, %[t], 1(%[y])\n\t"                   // p.sb t, 1(y!)
                   ".option pop"
                   : [wide] "+r"(wide), [y] "+r"(y), [x] "=&r"(x), [t] "=&r"(t)
                   : [n] "r"(n), [excess] "r"(by->excess), [reciprocal] "r"(by->reciprocal),
                     [fraction] "r"(fraction), [half] "r"(half)
                   : "memory");
}

static inline int32_t xp_abs(int32_t x) {
  int32_t out;
  __asm__(".insn r 0x33, 0, 0x02, %0, %1, x0" : "=r"(out) : "r"(x));
  return out;
}

static inline int32_t xp_within_15_bits(int32_t x) { return p_min(p_max(x, -32767), 32767); }

/// x[n] as they are; the largest magnitude comes back.
static inline int32_t xp_widen(const int16_t *x, int32_t n, int32_t *wide) {
  int32_t peak = 0, v, t;
  if (n == 0) {
    return 0;
  }
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 8\n\t"                  // lp.setup: 4 instructions
                   ".insn i 0x0b, 1, %[v], %[x], 2\n\t"                // p.lh v, 2(x!)
                   ".insn s 0x2b, 2, %[v], 4(%[wide])\n\t"             // p.sw v, 4(wide!)
                   ".insn r 0x33, 0, 0x02, %[t], %[v], x0\n\t"         // p.abs
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[t]\n\t" // p.max
                   ".option pop"
                   : [x] "+r"(x), [wide] "+r"(wide), [peak] "+r"(peak), [v] "=&r"(v), [t] "=&r"(t)
                   : [n] "r"(n)
                   : "memory");
  return peak;
}
