/// From accumulators to int8: what conv2d_s8, depthwise_s8 and dense_s8 end with.
#pragma once

#include "tilewright.h"
#include "tw_arithmetic.h"

/// Where a block of consecutive output channels finds its requantisation.
typedef struct {
  const int32_t *bias;       // [channels], the input's zero point folded in
  const int32_t *multiplier; // [channels] or [1]
  const int32_t *shift; // [channels] or [1]; as wide as the rest, so that loops vectorise alike
  int32_t table_step;   // 1: one multiplier and shift per channel, 0: one for all
  int32_t zero;         // zero point of the output
  int32_t low, high;    // clip range of the output, within int8
} requantise_s8_tables;

static inline int32_t requantise_s8_one(int32_t acc, int32_t multiplier, int32_t shift,
                                        const requantise_s8_tables *t, tw_rounding rounding) {
  const int32_t scaled = tw_rescale(acc, multiplier, shift, rounding);
  if (rounding == TW_ROUND_HALF_UP) { // with a shift of 0 it may be any number
    return tw_clip(scaled, t->low - t->zero, t->high - t->zero) + t->zero;
  }
  return tw_clip(scaled + t->zero, t->low, t->high);
}

/// y[i] = requantised acc[i] of channel `first + i`, for i in [0, count). `acc` is used up.
/// `rounding` must be a constant. Narrowing is a pass of its own: a loop that touches bytes would
/// be vectorised for 32 channels at a time, and most layers' blocks are narrower.
static inline void requantise_s8(int32_t *restrict acc, int32_t first, int32_t count,
                                 const requantise_s8_tables *t, tw_rounding rounding,
                                 int8_t *restrict y) {
  const int32_t *bias = t->bias + first;
  if (t->table_step == 0) {
    const int32_t multiplier = t->multiplier[0];
    const int32_t shift = t->shift[0];
    for (int32_t i = 0; i < count; i++) {
      acc[i] = requantise_s8_one(tw_wrapping_add(acc[i], bias[i]), multiplier, shift, t, rounding);
    }
  } else {
    const int32_t *multiplier = t->multiplier + first;
    const int32_t *shift = t->shift + first;
    for (int32_t i = 0; i < count; i++) {
      acc[i] =
          requantise_s8_one(tw_wrapping_add(acc[i], bias[i]), multiplier[i], shift[i], t, rounding);
    }
  }
  for (int32_t i = 0; i < count; i++) {
    y[i] = (int8_t)acc[i];
  }
}
