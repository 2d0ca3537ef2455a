/// The loops of ratio_attention_xpulp.c that meet every key: four keys in a step, no step waits for
/// a load or a product.
#pragma once

#include "xp_fours.h"

#define ATTENTION_LOOP(twice)                                                                      \
  ".option push\n\t.option norvc\n\t.insn i 0x7b, 4, x0, %[n], " twice "\n\t"
#define ATTENTION_LW(rd, at) ".insn i 0x0b, 2, " rd ", " at ", 4\n\t" // p.lw rd, 4(at!)
#define ATTENTION_SW(rs, at) ".insn s 0x2b, 2, " rs ", 4(" at ")\n\t" // p.sw rs, 4(at!)
#define ATTENTION_ALL(one) one("%[a]") one("%[b]") one("%[c]") one("%[d]")
#define ATTENTION_PACK                                                                             \
  ".insn r 0x57, 1, 0x70, %[t], %[b], %[a]\n\t"                                                    \
  ".insn r 0x57, 1, 0x6c, %[t], %[d], %[c]\n\t" // pv.packlo.b, pv.packhi.b
#define ATTENTION_LARGEST(of) ".insn r 0x57, 1, 0x18, %[largest], %[largest], " of "\n\t"
#define ATTENTION_KEY(r) ATTENTION_LW(r, "%[k]")
#define ATTENTION_DOT(r) ".insn r 0x57, 1, 0x4c, " r ", %[q], " r "\n\t"      // pv.dotsp.b
#define ATTENTION_BOUND(r) ".insn r 0x33, 5, 0x0a, " r ", " r ", %[high]\n\t" // p.clip

/// How sums become scores: times the multiplier, rounded half up at the shift, from -high - 1 to
/// high, then divided by 2**fold toward zero, which adds `toward` to what is below zero: 2**fold -
/// 1 in each of four bytes.
typedef struct {
  int32_t multiplier, shift, high, fold, toward;
} attention_scale;

#define ATTENTION_SCALE(r) "mul " r ", " r ", %[multiplier]\n\t"
#define ATTENTION_ROUND(r) ".insn r 0x5b, 6, 0x20, " r ", x0, %[shift]\n\t"            // p.addrn
#define ATTENTION_HALF_WORD(r) ".insn r 0x33, 1, 0x0a, " r ", " r ", x16\n\t"          // p.clipi
#define ATTENTION_SCALE_16(r) ".insn r 0x5b, 4, 0x50, " r ", " r ", %[multiplier]\n\t" // p.mulsNR
#define ATTENTION_FOLDED                                                                           \
  ".insn r 0x57, 7, 0x25, %[a], %[t], x3\n\t" /* pv.sra.sci.b 7 */                                 \
  "and %[a], %[a], %[toward]\n\t"                                                                  \
  ".insn r 0x57, 1, 0x00, %[t], %[t], %[a]\n\t"    /* pv.add.b */                                  \
  ".insn r 0x57, 5, 0x24, %[t], %[t], %[fold]\n\t" /* pv.sra.sc.b */
#define ATTENTION_BYTES(op, rd, x, y) ".insn r 0x57, 1, " op ", " rd ", " x ", " y "\n\t"
#define ATTENTION_MIN(rd, x, y) ATTENTION_BYTES("0x10", rd, x, y)
#define ATTENTION_MAX(rd, x, y) ATTENTION_BYTES("0x18", rd, x, y)
/// The mask's bytes in b added to scores within eight bits: what is below zero in it first bounds
/// scores from below, what is above from above.
#define ATTENTION_MASKED(r)                                                                        \
  ATTENTION_MIN("%[c]", "%[b]", "x0")                                                              \
  ATTENTION_MAX("%[d]", "%[b]", "x0")                                                              \
  ATTENTION_BYTES("0x04", "%[c]", "%[low]", "%[c]") /* pv.sub.b */                                 \
  ATTENTION_BYTES("0x04", "%[d]", "%[top]", "%[d]")                                                \
  ATTENTION_MAX(r, r, "%[c]")                                                                      \
  ATTENTION_MIN(r, r, "%[d]")                                                                      \
  ATTENTION_BYTES("0x00", r, r, "%[b]") /* pv.add.b */
#define ATTENTION_SCORES(one, other)                                                               \
  ATTENTION_ALL(ATTENTION_KEY)                                                                     \
  ATTENTION_ALL(ATTENTION_DOT)                                                                     \
  ATTENTION_ALL(one)                                                                               \
  ATTENTION_ALL(other)                                                                             \
  ATTENTION_ALL(ATTENTION_BOUND)                                                                   \
  ATTENTION_PACK
#define ATTENTION_OUT                                                                              \
  [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t), [k] "+r"(k), [y] "+r"(y),  \
      [largest] "+r"(largest)
#define ATTENTION_IN                                                                               \
  [n] "r"(n), [q] "r"(q), [multiplier] "r"(by->multiplier), [shift] "r"(by->shift),                \
      [high] "r"(by->high), [fold] "r"(by->fold), [toward] "r"(by->toward)

/// Scores of 4 * n keys of four elements. Returns the largest of every fourth and of `largest`, in
/// four bytes.
static inline int32_t attention_short_scores(int32_t q, const int8_t *k, int32_t n,
                                             const attention_scale *by, int8_t *y,
                                             int32_t largest) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("56") // 28 instructions
                   ATTENTION_SCORES(ATTENTION_SCALE, ATTENTION_ROUND)
                       ATTENTION_FOLDED ATTENTION_LARGEST("%[t]")
                           ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : ATTENTION_OUT
                   : ATTENTION_IN
                   : "memory");
  return largest;
}

/// The same for shifts of 16 where sums beyond sixteen bits are beyond all bounds.
static inline int32_t attention_narrow_scores(int32_t q, const int8_t *k, int32_t n,
                                              const attention_scale *by, int8_t *y,
                                              int32_t largest) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("56") // 28 instructions
                   ATTENTION_SCORES(ATTENTION_HALF_WORD, ATTENTION_SCALE_16)
                       ATTENTION_FOLDED ATTENTION_LARGEST("%[t]")
                           ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : ATTENTION_OUT
                   : ATTENTION_IN
                   : "memory");
  return largest;
}

/// The same with a mask.
static inline int32_t attention_narrow_masked(int32_t q, const int8_t *k, int32_t n,
                                              const attention_scale *by, const int8_t *mask,
                                              int8_t *y, int32_t largest) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("72") // 36 instructions
                   ATTENTION_SCORES(ATTENTION_HALF_WORD, ATTENTION_SCALE_16)
                       ATTENTION_LW("%[b]", "%[mask]") ATTENTION_FOLDED ATTENTION_MASKED("%[t]")
                           ATTENTION_LARGEST("%[t]") ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : ATTENTION_OUT, [mask] "+r"(mask)
                   : ATTENTION_IN, [low] "r"(0x80808080), [top] "r"(0x7f7f7f7f)
                   : "memory");
  return largest;
}

/// A mask added to 4 * n scores. Returns the largest of every fourth and of `largest`.
static inline int32_t attention_masked(int8_t *y, const int8_t *mask, int32_t n, int32_t largest) {
  const int8_t *k = y;
  int32_t b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("22") // 11 instructions
                   ATTENTION_LW("%[b]", "%[mask]") ATTENTION_LW("%[t]", "%[k]")
                       ATTENTION_MASKED("%[t]") ATTENTION_LARGEST("%[t]")
                           ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t), [k] "+r"(k),
                     [mask] "+r"(mask), [y] "+r"(y), [largest] "+r"(largest)
                   : [n] "r"(n), [low] "r"(0x80808080), [top] "r"(0x7f7f7f7f)
                   : "memory");
  return largest;
}

#define ATTENTION_INDEX(r, one) ".insn r 0x57, 1, 0x4c, " r ", %[t], %[" one "]\n\t" // pv.dotsp.b
#define ATTENTION_PART(r) ".insn r 0x03, 7, 0x10, " r ", %[table], " r "\n\t"        // p.lw
#define ATTENTION_TOTAL(r) ".insn r 0x57, 0, 0x50, %[sum], " r ", %[one]\n\t"        // pv.sdotup.h
#define ATTENTION_STORE(r) ATTENTION_SW(r, "%[to]")

/// Numerators of 4 * n scores, from a table of words whose lower halves are numbers; returns their
/// sum and `sum`. A product with one byte of four takes a score out and multiplies it by 4.
static inline uint32_t attention_numerators(const int8_t *from, int32_t n, const int32_t *table,
                                            int32_t *to, uint32_t sum) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("34") // 17 instructions
                   ATTENTION_LW("%[t]", "%[from]") ATTENTION_INDEX("%[d]", "fourth") //
                   ATTENTION_INDEX("%[a]", "first") ATTENTION_INDEX("%[b]", "second")
                       ATTENTION_INDEX("%[c]", "third") ATTENTION_ALL(ATTENTION_PART)
                           ATTENTION_ALL(ATTENTION_TOTAL)
                               ATTENTION_ALL(ATTENTION_STORE) ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t),
                     [sum] "+r"(sum), [from] "+r"(from), [to] "+r"(to)
                   : [n] "r"(n), [table] "r"(table), [first] "r"(4), [second] "r"(4 << 8),
                     [third] "r"(4 << 16), [fourth] "r"(4 << 24), [one] "r"(1)
                   : "memory");
  return sum;
}

#define ATTENTION_NUMERATOR(r) ATTENTION_LW(r, "%[from]")
#define ATTENTION_UPPER(r) ".insn r 0x57, 0, 0x40, " r ", " r ", %[upper]\n\t" // pv.dotup.h
#define ATTENTION_SHIFT(r) "srl " r ", " r ", %[shift]\n\t"
#define ATTENTION_LOOK_UP(r) ".insn r 0x03, 7, 0x00, " r ", %[table], " r "\n\t" // p.lb

/// Weights of 4 * n numerators: times a factor that is one pair of halves, shifted, looked up.
static inline void attention_quotients(const int32_t *from, int32_t n, int32_t upper, int32_t shift,
                                       const int8_t *table, int8_t *y) {
  int32_t a, b, c, d, t;
  __asm__ volatile(ATTENTION_LOOP("38") // 19 instructions
                   ATTENTION_ALL(ATTENTION_NUMERATOR) ATTENTION_ALL(ATTENTION_UPPER)
                       ATTENTION_ALL(ATTENTION_SHIFT) ATTENTION_ALL(ATTENTION_LOOK_UP)
                           ATTENTION_PACK ATTENTION_SW("%[t]", "%[y]") ".option pop"
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t),
                     [from] "+r"(from), [y] "+r"(y)
                   : [n] "r"(n), [upper] "r"(upper), [shift] "r"(shift), [table] "r"(table)
                   : "memory");
}

#define ATTENTION_LOWER(r, w) ".insn r 0x57, 0, 0x40, " r ", " w ", %[lower]\n\t" // pv.dotup.h
#define ATTENTION_CARRY(r, w) "srl " r ", " r ", %[between]\n\t"
#define ATTENTION_BOTH(r, w) ".insn r 0x57, 0, 0x50, " r ", " w ", %[upper]\n\t" // pv.sdotup.h
#define ATTENTION_PAIRS(one)                                                                       \
  one("%[a]", "%[e]") one("%[b]", "%[f]") one("%[c]", "%[g]") one("%[d]", "%[h]")

/// The same by two pairs, the lower one worth 2**-between of the upper one.
static inline void attention_long_quotients(const int32_t *from, int32_t n, int32_t upper,
                                            int32_t lower, int32_t between, int32_t shift,
                                            const int8_t *table, int8_t *y) {
  int32_t a, b, c, d, e, f, g, h, t;
  __asm__ volatile(
      ATTENTION_LOOP("54") // 27 instructions
      ATTENTION_LW("%[e]", "%[from]") ATTENTION_LW("%[f]", "%[from]")
          ATTENTION_LW("%[g]", "%[from]") ATTENTION_LW("%[h]", "%[from]")
              ATTENTION_PAIRS(ATTENTION_LOWER) ATTENTION_PAIRS(ATTENTION_CARRY)
                  ATTENTION_PAIRS(ATTENTION_BOTH) ATTENTION_ALL(ATTENTION_SHIFT)
                      ATTENTION_ALL(ATTENTION_LOOK_UP)
                          ATTENTION_PACK ATTENTION_SW("%[t]", "%[y]") ".option pop"
      : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f),
        [g] "=&r"(g), [h] "=&r"(h), [t] "=&r"(t), [from] "+r"(from), [y] "+r"(y)
      : [n] "r"(n), [upper] "r"(upper), [lower] "r"(lower), [between] "r"(between),
        [shift] "r"(shift), [table] "r"(table)
      : "memory");
}

#define ATTENTION_ROW(rd, by) ".insn r 0x0b, 7, 0x10, " rd ", %[rows], %[" by "]\n\t" // p.lw
#define ATTENTION_MEET(acc, w, t) ".insn r 0x57, 1, 0x5c, " acc ", " w ", " t "\n\t"  // pv.sdotsp.b

/// acc[i] += x times row i, acc[4 + i] += y times row i of four rows that lie `step` bytes apart:
/// fourteen instructions for 32 products.
static inline void attention_product(const int8_t *x, const int8_t *y, const int8_t *rows,
                                     int32_t step, int32_t words, int32_t acc[8]) {
  int32_t s0 = acc[0], s1 = acc[1], s2 = acc[2], s3 = acc[3];
  int32_t s4 = acc[4], s5 = acc[5], s6 = acc[6], s7 = acc[7], v, w, t, u;
  __asm__ volatile(ATTENTION_LOOP("28") ATTENTION_LW("%[v]", "%[x]") ATTENTION_LW("%[w]", "%[y]")
                       ATTENTION_ROW("%[t]", "step") ATTENTION_ROW("%[u]", "step") ATTENTION_MEET(
                           "%[s0]", "%[v]", "%[t]") ATTENTION_MEET("%[s4]", "%[w]", "%[t]")
                           ATTENTION_ROW("%[t]", "step") ATTENTION_MEET("%[s1]", "%[v]", "%[u]")
                               ATTENTION_MEET("%[s5]", "%[w]", "%[u]") ATTENTION_ROW("%[u]", "back")
                                   ATTENTION_MEET("%[s2]", "%[v]", "%[t]")
                                       ATTENTION_MEET("%[s6]", "%[w]", "%[t]")
                                           ATTENTION_MEET("%[s3]", "%[v]", "%[u]")
                                               ATTENTION_MEET("%[s7]", "%[w]", "%[u]") ".option pop"
                   : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [s4] "+r"(s4),
                     [s5] "+r"(s5), [s6] "+r"(s6), [s7] "+r"(s7), [x] "+r"(x), [y] "+r"(y),
                     [rows] "+r"(rows), [v] "=&r"(v), [w] "=&r"(w), [t] "=&r"(t), [u] "=&r"(u)
                   : [n] "r"(words), [step] "r"(step), [back] "r"(4 - 3 * step)
                   : "memory");
  const int32_t sums[8] = {s0, s1, s2, s3, s4, s5, s6, s7};
#pragma GCC unroll 8
  for (int32_t i = 0; i < 8; ++i) {
    acc[i] = sums[i];
  }
}

#define ATTENTION_BELOW(rd) ".insn r 0x0b, 7, 0x10, " rd ", %[v], %[step]\n\t" // p.lw
#define ATTENTION_MIX(rd, of, by) ".insn r 0x57, 1, 0x64, " rd ", " of ", %[" by "]\n\t"
#define ATTENTION_ENDS(rd, of) ".insn r 0x57, 0, 0x64, " rd ", " of ", %[ends]\n\t"
#define ATTENTION_BEGINS(rd, high, low) ".insn r 0x57, 0, 0x68, " rd ", " high ", " low "\n\t"

/// acc[i] += x times column i of 4 * n rows that lie `step` bytes apart: four by four bytes are
/// turned in registers (pv.shuffle2.b, pv.pack.h, pv.shuffle2.h).
static inline void attention_turned(const int8_t *x, const int8_t *v, int32_t step, int32_t n,
                                    int32_t acc[4]) {
  int32_t s0 = acc[0], s1 = acc[1], s2 = acc[2], s3 = acc[3], w, r0, r1, r2, r3, e, f;
  __asm__ volatile(
      ATTENTION_LOOP("38") // 19 instructions
      ATTENTION_LW("%[w]", "%[x]") ATTENTION_BELOW("%[r0]") ATTENTION_BELOW("%[r1]")
          ATTENTION_BELOW("%[r2]") ATTENTION_BELOW(
              "%[r3]") "mv %[e], %[r0]\n\tmv %[f], %[r2]\n\t" ATTENTION_MIX("%[e]", "%[r1]", "low")
              ATTENTION_MIX("%[r0]", "%[r1]", "high") ATTENTION_MIX("%[f]", "%[r3]", "low")
                  ATTENTION_MIX("%[r2]", "%[r3]", "high") ATTENTION_BEGINS("%[r1]", "%[f]", "%[e]")
                      ATTENTION_ENDS("%[e]", "%[f]") ATTENTION_BEGINS("%[r3]", "%[r2]", "%[r0]")
                          ATTENTION_ENDS("%[r0]", "%[r2]") ATTENTION_MEET("%[s0]", "%[w]", "%[r1]")
                              ATTENTION_MEET("%[s1]", "%[w]", "%[e]")
                                  ATTENTION_MEET("%[s2]", "%[w]", "%[r3]")
                                      ATTENTION_MEET("%[s3]", "%[w]", "%[r0]") ".option pop"
      : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x), [v] "+r"(v),
        [w] "=&r"(w), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [e] "=&r"(e),
        [f] "=&r"(f)
      : [n] "r"(n), [step] "r"(step), [low] "r"(0x05010400), [high] "r"(0x07030602),
        [ends] "r"(0x00030001)
      : "memory");
  acc[0] = s0;
  acc[1] = s1;
  acc[2] = s2;
  acc[3] = s3;
}
