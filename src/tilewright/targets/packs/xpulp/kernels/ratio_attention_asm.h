/// The loops of ratio_attention_xpulp.c that meet every key: four keys in a step, no step waits for
/// a load or a product. Bounds are symmetric: -high - 1 to high.
#pragma once

#include "xp_fours.h"

#define ATTENTION_LOOP(twice)                                                                      \
  ".option push\n\t.option norvc\n\t.insn i 0x7b, 4, x0, %[n], " twice "\n\t"
#define ATTENTION_LB(rd, at) ".insn i 0x0b, 0, " rd ", " at ", 1\n\t" // p.lb rd, 1(at!)
#define ATTENTION_LW(rd, at) ".insn i 0x0b, 2, " rd ", " at ", 4\n\t" // p.lw rd, 4(at!)
#define ATTENTION_SW(rs, at) ".insn s 0x2b, 2, " rs ", 4(" at ")\n\t" // p.sw rs, 4(at!)
#define ATTENTION_ALL(one) one("%[a]") one("%[b]") one("%[c]") one("%[d]")
#define ATTENTION_KEY(r) ATTENTION_LW(r, "%[k]")
#define ATTENTION_DOT(r) ".insn r 0x57, 1, 0x4c, " r ", %[q], " r "\n\t" // pv.dotsp.b
#define ATTENTION_SCALE(r) "mul " r ", " r ", %[multiplier]\n\t"
#define ATTENTION_ROUND(r) ".insn r 0x5b, 6, 0x20, " r ", x0, %[shift]\n\t"   // p.addrn
#define ATTENTION_BOUND(r) ".insn r 0x33, 5, 0x0a, " r ", " r ", %[high]\n\t" // p.clip
#define ATTENTION_SCORE(r) ATTENTION_LB(r, "%[from]")
#define ATTENTION_LOOK_UP(r) ".insn r 0x03, 7, 0x00, " r ", %[table], " r "\n\t" // p.lb
#define ATTENTION_PACK                                                                             \
  ".insn r 0x57, 1, 0x70, %[t], %[b], %[a]\n\t"                                                    \
  ".insn r 0x57, 1, 0x6c, %[t], %[d], %[c]\n\t" // pv.packlo.b, pv.packhi.b

/// Logits of 4 * n keys of four elements, without the table.
static inline void attention_short_logits(int32_t q, const int8_t *k, int32_t n, xp_scale scale,
                                          int8_t *y) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("46") // 23 instructions
                   ATTENTION_ALL(ATTENTION_KEY) ATTENTION_ALL(ATTENTION_DOT)
                       ATTENTION_ALL(ATTENTION_SCALE) ATTENTION_ALL(ATTENTION_ROUND)
                           ATTENTION_ALL(ATTENTION_BOUND)
                               ATTENTION_PACK ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t),
                     [k] "+r"(k), [y] "+r"(y)
                   : [n] "r"(n), [q] "r"(q), [multiplier] "r"(scale.multiplier),
                     [shift] "r"(scale.shift), [high] "r"(scale.high)
                   : "memory");
}

#define ATTENTION_MASK(r, m) ATTENTION_LB(m, "%[mask]")
#define ATTENTION_ADD(r, m) "add " r ", " r ", " m "\n\t"
#define ATTENTION_PAIRS(one)                                                                       \
  one("%[a]", "%[e]") one("%[b]", "%[f]") one("%[c]", "%[g]") one("%[d]", "%[h]")

/// Scores of 4 * n keys in the place of logits: the table, then plain sums with the mask. Returns
/// the largest of every fourth, in four bytes, and `largest`.
static inline int32_t attention_plain_sums(int8_t *y, int32_t n, const int8_t *table,
                                           const int8_t *mask, int32_t high, int32_t largest) {
  const int8_t *from = y;
  int32_t a, b, c, d, e, f, g, h, t;
  __asm__ volatile(ATTENTION_LOOP("48") // 24 instructions
                   ATTENTION_ALL(ATTENTION_SCORE) ATTENTION_PAIRS(ATTENTION_MASK)
                       ATTENTION_ALL(ATTENTION_LOOK_UP) ATTENTION_PAIRS(ATTENTION_ADD)
                           ATTENTION_ALL(ATTENTION_BOUND) ATTENTION_PACK
                   ".insn r 0x57, 1, 0x18, %[largest], %[largest], %[t]\n\t" // pv.max.b
                   ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                     [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h), [t] "=&r"(t), [from] "+r"(from),
                     [mask] "+r"(mask), [y] "+r"(y), [largest] "+r"(largest)
                   : [n] "r"(n), [table] "r"(table), [high] "r"(high)
                   : "memory");
  return largest;
}

#define ATTENTION_WORDS(r) "slli " r ", " r ", 2\n\t"
#define ATTENTION_PART(r) ".insn r 0x03, 7, 0x10, " r ", %[table], " r "\n\t" // p.lw
#define ATTENTION_TOTAL(r) "add %[sum], %[sum], " r "\n\t"
#define ATTENTION_STORE(r) ATTENTION_SW(r, "%[to]")

/// Numerators of 4 * n scores; returns their sum.
static inline int32_t attention_numerators(const int8_t *from, int32_t n, const int32_t *table,
                                           int32_t *to) {
  int32_t a, b, c, d, sum = 0;
  __asm__ volatile(ATTENTION_LOOP("40") // 20 instructions
                   ATTENTION_ALL(ATTENTION_SCORE) ATTENTION_ALL(ATTENTION_WORDS)
                       ATTENTION_ALL(ATTENTION_PART) ATTENTION_ALL(ATTENTION_TOTAL)
                           ATTENTION_ALL(ATTENTION_STORE) ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [sum] "+r"(sum),
                     [from] "+r"(from), [to] "+r"(to)
                   : [n] "r"(n), [table] "r"(table)
                   : "memory");
  return sum;
}

#define ATTENTION_NUMERATOR(r) ATTENTION_LW(r, "%[from]")
#define ATTENTION_QUOTIENT(r) "mulhu " r ", " r ", %[factor]\n\t"
#define ATTENTION_SHIFT(r) "srl " r ", " r ", %[shift]\n\t"

/// Weights of 4 * n numerators.
static inline void attention_quotients(const int32_t *from, int32_t n, uint32_t factor,
                                       int32_t shift, const int8_t *table, int8_t *y) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("38") // 19 instructions
                   ATTENTION_ALL(ATTENTION_NUMERATOR) ATTENTION_ALL(ATTENTION_QUOTIENT)
                       ATTENTION_ALL(ATTENTION_SHIFT) ATTENTION_ALL(ATTENTION_LOOK_UP)
                           ATTENTION_PACK ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t),
                     [from] "+r"(from), [y] "+r"(y)
                   : [n] "r"(n), [factor] "r"(factor), [shift] "r"(shift), [table] "r"(table)
                   : "memory");
}
