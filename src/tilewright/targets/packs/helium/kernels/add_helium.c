#include "add_helium.h"

#include "helium_rescale.h"

enum { ADD_LEFT_SHIFT = 20 }; // fractional bits of the common scale

/// Four sums. The last two arguments must be constants: whether ties below zero, of the other
/// operand and of the sum, go away from zero.
static inline int32x4_t add_helium_four(const add_helium_args *p, int32x4_t other, int32x4_t half,
                                        int32_t other_away, int32_t sum_away) {
  const int32x4_t unit = vdupq_n_s32(1 << ADD_LEFT_SHIFT);
  const int32x4_t other_shift = vdupq_n_s32(p->other_shift), shift = vdupq_n_s32(p->shift);
  const int32_t half_unit = 1 << (ADD_LEFT_SHIFT - 1);
  const int32x4_t wide = vmlasq_n_s32(other, unit, -p->other_zero * (1 << ADD_LEFT_SHIFT));
  const int32x4_t scaled = vqrdmulhq_n_s32(wide, p->other_multiplier);
  int32x4_t sum =
      other_away ? helium_shift_away(scaled, other_shift) : vrshlq_s32(scaled, other_shift);
  sum = vaddq_n_s32(vmlaq_n_s32(sum, half, half_unit), -p->half_zero * half_unit);
  sum = vqrdmulhq_n_s32(sum, p->multiplier);
  sum = sum_away ? helium_shift_away(sum, shift) : vrshlq_s32(sum, shift);
  sum = vmaxq_s32(vaddq_n_s32(sum, p->y_zero), vdupq_n_s32(p->low));
  return vminq_s32(sum, vdupq_n_s32(p->high));
}

/// y[0 .. count) of `other` and `half`.
static inline void add_helium_run(const add_helium_args *args, const int8_t *other,
                                  const int8_t *half, int8_t *y, int32_t count, int32_t other_away,
                                  int32_t sum_away) {
  const add_helium_args p = *args; // y, for all that compilers know, may overlap the arguments
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const int32x4_t a = vldrbq_s32(other + i), b = vldrbq_s32(half + i);
    vstrbq_s32(y + i, add_helium_four(&p, a, b, other_away, sum_away));
  }
  if (i < count) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
    const int32x4_t a = vldrbq_z_s32(other + i, lanes), b = vldrbq_z_s32(half + i, lanes);
    vstrbq_p_s32(y + i, add_helium_four(&p, a, b, other_away, sum_away), lanes);
  }
}

void add_helium(const void *args, tw_work work) {
  const add_helium_args *p = args;
  const int32_t count = work.stop - work.start;
  const int8_t *const half = (p->half_is_a ? p->a : p->b) + work.start;
  const int8_t *const other = (p->half_is_a ? p->b : p->a) + work.start;
  if (p->other_has_negative_ties || p->low < p->y_zero) {
    add_helium_run(p, other, half, p->y + work.start, count, 1, 1);
  } else {
    add_helium_run(p, other, half, p->y + work.start, count, 0, 0);
  }
}
