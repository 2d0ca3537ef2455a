/// What becomes of a linear layer's sums, with XpulpV2; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include "linear_rows_finish.h"
#include "scaled_row_xpulp.h"

enum { XP_UPPER = 16 };

/// linear_finished in single words; `is_short` says that it holds.
///
/// sum * multiplier / 2**sum_shift is exact in two parts: the sum rounded to a multiple of
/// 2**sum_shift, and what is left of it, which has 16 bits with its sign. Of the second product
/// only the upper words matter, since the shift is 17 at least: floors of floors are floors.
typedef struct {
  int32_t is_short;
  int32_t sum_shift, rest; // rest: up to where what is left of a sum is a half word
  int32_t normal;          // in both halves
  int32_t shift;           // of what is above 2**16, at most 31: nothing is left beyond
} short_finish;

/// `factor` are the four bytes behind the row's elements.
static inline short_finish short_finish_of(const int8_t *factor, int32_t sum_shift, int32_t shift) {
  const int32_t whole = xp_load(factor);
  const int32_t excess = p_max(xp_bit_length((uint32_t)whole) - TW_FACTOR_BITS, 0);
  return (short_finish){
      .is_short = sum_shift <= XP_UPPER && shift - excess > XP_UPPER,
      .sum_shift = sum_shift,
      .rest = XP_UPPER - sum_shift,
      .normal = (whole >> excess) * ((1 << XP_UPPER) + 1),
      .shift = p_min(shift - excess - XP_UPPER, 31),
  };
}

/// One output of a short form, without what is added: what is left of a sum, all of it, then the
/// product with the row's factor in two halves, of which p.muluN takes the lower and p.machhsN the
/// upper. No `mul`, which takes two cycles and a third where its result is needed next.
#define LINEAR_FINISHED                                                                            \
  ".insn i 0x0b, 2, %[s], %[sums], 4\n\t" /* p.lw s, 4(sums!) */                                   \
  ".insn i 0x0b, 1, %[m], %[by], 2\n\t"   /* p.lh m, 2(by!) */                                     \
  "sll %[l], %[s], %[rest]\n\t"                                                                    \
  ".insn r 0x5b, 6, 0x20, %[s], x0, %[sum_shift]\n\t" /* p.addRN: rounded */                       \
  ".insn r 0x5b, 4, 0x50, %[l], %[l], %[m]\n\t"       /* p.mulsRN by 16: rounded */                \
  ".insn r 0x33, 0, 0x21, %[l], %[s], %[m]\n\t"       /* p.mac */                                  \
  ".insn r 0x5b, 0, 0x10, %[s], %[l], %[normal]\n\t"  /* p.muluN by 16 */                          \
  ".insn r 0x5b, 1, 0x60, %[s], %[l], %[normal]\n\t"  /* p.machhsN by 0 */                         \
  ".insn r 0x5b, 6, 0x20, %[s], x0, %[shift]\n\t"

#define LINEAR_STORED                                                                              \
  ".insn r 0x33, 4, 0x02, %[s], %[s], %[high]\n\t"  /* p.min */                                    \
  ".insn r 0x33, 6, 0x02, %[s], %[s], %[least]\n\t" /* p.max */                                    \
  ".insn s 0x2b, 1, %[s], 2(%[y])\n\t"              /* p.sh s, 2(y!) */

/// n outputs, at least one: a hardware loop of twelve cycles each.
static inline void finished(const short_finish *f, const int32_t *sums, const int16_t *by,
                            int16_t *y, int32_t n) {
  int32_t s, m, l;
  const int32_t high = INT16_MAX, least = -INT16_MAX;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 24\n\t" // lp.setup: 12 instructions
      LINEAR_FINISHED LINEAR_STORED ".option pop"
      : [sums] "+r"(sums), [by] "+r"(by), [y] "+r"(y), [s] "=&r"(s), [m] "=&r"(m), [l] "=&r"(l)
      : [n] "r"(n), [rest] "r"(f->rest), [sum_shift] "r"(f->sum_shift), [normal] "r"(f->normal),
        [shift] "r"(f->shift), [high] "r"(high), [least] "r"(least)
      : "memory");
}

/// The same, added to `added`.
static inline void finished_and_added(const short_finish *f, const int32_t *sums, const int16_t *by,
                                      const int16_t *added, int16_t *y, int32_t n) {
  int32_t s, m, l;
  const int32_t high = INT16_MAX, least = -INT16_MAX;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 28\n\t"                      // lp.setup: 14 instructions
      LINEAR_FINISHED ".insn i 0x0b, 1, %[m], %[added], 2\n\t" // p.lh m, 2(added!)
      "add %[s], %[s], %[m]\n\t" LINEAR_STORED ".option pop"
      : [sums] "+r"(sums), [by] "+r"(by), [added] "+r"(added), [y] "+r"(y), [s] "=&r"(s),
        [m] "=&r"(m), [l] "=&r"(l)
      : [n] "r"(n), [rest] "r"(f->rest), [sum_shift] "r"(f->sum_shift), [normal] "r"(f->normal),
        [shift] "r"(f->shift), [high] "r"(high), [least] "r"(least)
      : "memory");
}

/// Where it is not short: in 64 bits, slowly.
static __attribute__((noinline, unused)) int16_t finished_slowly(const int8_t *factor,
                                                                 int32_t sum_shift, int32_t shift,
                                                                 int32_t sum, int32_t multiplier,
                                                                 int32_t residual) {
  const linear_finish whole = linear_finish_of(factor, sum_shift, shift);
  return tw_saturated(linear_finished(&whole, sum, multiplier) + residual);
}

/// What the outputs of one row become.
typedef struct {
  short_finish by;
  const int8_t *factor;
  int32_t sum_shift, shift;
} row_finish;

static inline row_finish row_finish_of(const int8_t *factor, int32_t sum_shift, int32_t shift) {
  return (row_finish){short_finish_of(factor, sum_shift, shift), factor, sum_shift, shift};
}

/// n neighbouring outputs from their sums; `added` may be null.
static inline void finish_outputs(const row_finish *row, const int32_t *sums, const int16_t *by,
                                  const int16_t *added, int16_t *y, int32_t n) {
  if (n <= 0) {
    return;
  }
  if (!row->by.is_short) {
    for (int32_t i = 0; i < n; i++) {
      y[i] = finished_slowly(row->factor, row->sum_shift, row->shift, sums[i], by[i],
                             added ? added[i] : 0);
    }
  } else if (added) {
    finished_and_added(&row->by, sums, by, added, y, n);
  } else {
    finished(&row->by, sums, by, y, n);
  }
}
