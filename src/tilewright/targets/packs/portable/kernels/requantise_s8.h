/// From accumulators to int8: what conv2d_s8, depthwise_s8 and dense_s8 end with.
#pragma once

#include "tilewright.h"
#include "tw_arithmetic.h"

/// Where a block of consecutive output channels finds its requantisation.
typedef struct {
  const int32_t *bias;       // [channels], the input's zero point folded in
  const int32_t *multiplier; // [channels] or [1]
  const int8_t *shift;       // [channels] or [1]
  int32_t table_step;        // 1: one multiplier and shift per channel, 0: one for all
  int32_t zero;              // zero point of the output
  int32_t low, high;         // clip range of the output, within int8
} requantise_s8_tables;

static inline int8_t requantise_s8_one(int32_t acc, int32_t multiplier, int32_t shift,
                                       const requantise_s8_tables *t, tw_rounding rounding) {
  const int32_t scaled = tw_rescale(acc, multiplier, shift, rounding) + t->zero;
  return (int8_t)tw_clip(scaled, t->low, t->high);
}

/// y[i] = requantised acc[i] of channel `first + i`, for i in [0, count).
/// `rounding` must be a constant. Nothing that is read here overlaps `y`: with `restrict` to say so,
/// compilers vectorise the loops without run-time checks.
static inline void requantise_s8(const int32_t *acc, int32_t first, int32_t count,
                                 const requantise_s8_tables *t, tw_rounding rounding,
                                 int8_t *restrict y) {
  const int32_t *bias = t->bias + first;
  if (t->table_step == 0) {
    const int32_t multiplier = t->multiplier[0];
    const int32_t shift = t->shift[0];
    for (int32_t i = 0; i < count; i++) {
      y[i] = requantise_s8_one(acc[i] + bias[i], multiplier, shift, t, rounding);
    }
    return;
  }
  const int32_t *multiplier = t->multiplier + first;
  const int8_t *shift = t->shift + first;
  for (int32_t i = 0; i < count; i++) {
    y[i] = requantise_s8_one(acc[i] + bias[i], multiplier[i], shift[i], t, rounding);
  }
}
