/// What becomes of a linear layer's sums; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include <string.h>

#include "scaled_row.h"

/// What all outputs of one row share.
typedef struct {
  int64_t sum_half, half; // of the roundings
  int32_t sum_shift, shift;
  int32_t normal; // the row's factor in 15 bits
} linear_finish;

/// `factor` are the four bytes behind the row's elements.
static inline linear_finish linear_finish_of(const int8_t *factor, int32_t sum_shift,
                                             int32_t shift) {
  int32_t whole;
  memcpy(&whole, factor, sizeof whole);
  const int32_t excess = tw_max(tw_bit_length((uint32_t)whole) - TW_FACTOR_BITS, 0);
  return (linear_finish){
      .sum_half = (int64_t)(((uint64_t)1 << sum_shift) >> 1),
      .half = (int64_t)(((uint64_t)1 << (shift - excess)) >> 1),
      .sum_shift = sum_shift,
      .shift = shift - excess,
      .normal = whole >> excess,
  };
}

/// A sum, before anything is added to it. Its first shift leaves 30 bits.
static inline int64_t linear_finished(const linear_finish *f, int32_t sum, int32_t multiplier) {
  const int64_t product = (int64_t)sum * multiplier + f->sum_half;
  const int32_t scaled = (int32_t)tw_shift_right_64(product, f->sum_shift);
  return tw_shift_right_64((int64_t)scaled * f->normal + f->half, f->shift);
}
