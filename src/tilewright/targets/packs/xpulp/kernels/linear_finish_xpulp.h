/// What becomes of a linear layer's sums, with XpulpV2; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include "linear_rows_finish.h"
#include "scaled_row_xpulp.h"

enum { XP_UPPER = 16 };

/// linear_finished in single words; `is_short` says that it holds.
///
/// sum * multiplier / 2**sum_shift is exact in two parts: what is above the shift, and what is
/// below it, which stays in 31 bits. Of the second product only the upper words matter, since the
/// shift is 17 at least: floors of floors are floors.
typedef struct {
  int32_t is_short;
  int32_t sum_shift, low;
  int32_t normal; // in the upper half
  int32_t shift;  // of what is above 2**16, at most 31: nothing is left beyond
} short_finish;

/// `factor` are the four bytes behind the row's elements.
static inline short_finish short_finish_of(const int8_t *factor, int32_t sum_shift, int32_t shift) {
  const int32_t whole = xp_load(factor);
  const int32_t excess = p_max(xp_bit_length((uint32_t)whole) - TW_FACTOR_BITS, 0);
  return (short_finish){
      .is_short = sum_shift <= XP_UPPER && shift - excess > XP_UPPER,
      .sum_shift = sum_shift,
      .low = (int32_t)((1u << (sum_shift & 31)) - 1),
      .normal = whole >> excess << XP_UPPER,
      .shift = p_min(shift - excess - XP_UPPER, 31),
  };
}

static inline int32_t finished(const short_finish *f, int32_t sum, int32_t multiplier) {
  const int32_t low = p_addrn(p_mac(0, sum & f->low, multiplier), 0, f->sum_shift);
  const int32_t scaled = p_mac(low, sum >> f->sum_shift, multiplier);
  return p_addrn(xp_mulh(scaled, f->normal), 0, f->shift);
}

/// Where it is not short: in 64 bits, slowly. `shifts` are sum_shift and shift.
static __attribute__((noinline, unused)) int16_t finished_slowly(const int8_t *factor,
                                                                 const int32_t shifts[2],
                                                                 int32_t sum, int32_t multiplier,
                                                                 int32_t residual) {
  const linear_finish whole = linear_finish_of(factor, shifts[0], shifts[1]);
  return tw_saturated(linear_finished(&whole, sum, multiplier) + residual);
}
