/// What becomes of four sums of a linear layer at a time; the meaning is LinearRows in
/// src/tilewright/ops/llm/linear.py.
#pragma once

#include <arm_mve.h>

#include "linear_rows_finish.h"

/// What all outputs of one row share.
typedef struct {
  int32x4_t normal;         // the row's factor, shifted up as far as 31 bits go
  int32_t sum_up, sum_down; // shifts of the first rounding, for high and low words
  int32_t left, right;      // shifts of the second one
} helium_finish;

/// Of the factor behind a row; sum_shift in [0, 31].
///
/// The second rounding is of scaled * normal / 2**shift. With 2**up more on the factor, 2**left on
/// what it is multiplied with and the high word of the product, floored, `right` >= 1 bits are left
/// to round off. Where 2**left makes it saturate, the result is beyond 2**28, so it stays beyond 16
/// bits.
static inline helium_finish helium_finish_of(const int8_t *factor, int32_t sum_shift,
                                             int32_t shift) {
  const linear_finish exact = linear_finish_of(factor, sum_shift, shift);
  const int32_t right = tw_max(exact.shift - 32, 1);
  const int32_t wanted = 32 + right - exact.shift;
  const int32_t up = tw_min(31 - tw_bit_length((uint32_t)exact.normal), wanted);
  return (helium_finish){
      .normal = vdupq_n_s32(tw_shift_left(exact.normal, up)),
      .sum_up = 32 - sum_shift,
      .sum_down = -sum_shift,
      .left = wanted - up,
      .right = -right,
  };
}

/// Before anything is added. The first rounding leaves 30 bits of a product of high and low words,
/// so that it may be put together modulo 2**32.
static inline int32x4_t helium_scaled(const helium_finish *f, int32x4_t sums,
                                      int32x4_t multiplier) {
  const uint32x4_t low = vreinterpretq_u32_s32(vmulq_s32(sums, multiplier));
  const int32x4_t high = vshlq_r_s32(vmulhq_s32(sums, multiplier), f->sum_up);
  const uint32x4_t rounded = vrshlq_n_u32(low, f->sum_down);
  const int32x4_t scaled = vqshlq_r_s32(vaddq_s32(high, vreinterpretq_s32_u32(rounded)), f->left);
  return vrshlq_n_s32(vmulhq_s32(scaled, f->normal), f->right);
}

/// Clipped to 15 bits and a sign.
static inline int32x4_t helium_saturated(int32x4_t x) {
  return vmaxq_s32(vminq_s32(x, vdupq_n_s32(32767)), vdupq_n_s32(-32767));
}

/// `count` outputs, at most four: y = saturated(residual + scaled sums). `residual` may be null.
static inline void helium_store(const helium_finish *f, int32x4_t sums, const int16_t *multiplier,
                                const int16_t *residual, int16_t *y, int32_t count) {
  if (count >= 4) {
    int32x4_t made = helium_scaled(f, sums, vldrhq_s32(multiplier));
    if (residual) {
      made = vaddq_s32(made, vldrhq_s32(residual));
    }
    vstrhq_s32(y, helium_saturated(made));
    return;
  }
  const mve_pred16_t lanes = vctp32q((uint32_t)count);
  int32x4_t made = helium_scaled(f, sums, vldrhq_z_s32(multiplier, lanes));
  if (residual) {
    made = vaddq_s32(made, vldrhq_z_s32(residual, lanes));
  }
  vstrhq_p_s32(y, helium_saturated(made), lanes);
}
