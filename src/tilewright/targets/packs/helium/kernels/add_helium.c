#include "add_helium.h"

#include "helium_rescale.h"

enum { ADD_LEFT_SHIFT = 20 }; // fractional bits of the common scale

/// y[0 .. count) of `other` and `half`. The last two arguments must be constants: whether ties
/// below zero, of the other operand and of the sum, go away from zero.
static inline void add_helium_run(const add_helium_args *p, const int8_t *other, const int8_t *half,
                                  int8_t *y, int32_t count, int32_t other_away, int32_t sum_away) {
  const int32x4_t unit = vdupq_n_s32(1 << ADD_LEFT_SHIFT);
  const int32_t other_offset = -p->other_zero * (1 << ADD_LEFT_SHIFT);
  const int32_t half_offset = -p->half_zero * (1 << (ADD_LEFT_SHIFT - 1));
  const int32_t half_unit = 1 << (ADD_LEFT_SHIFT - 1);
  const int32x4_t low = vdupq_n_s32(p->low), high = vdupq_n_s32(p->high);
  const int32x4_t other_shift = vdupq_n_s32(p->other_shift), shift = vdupq_n_s32(p->shift);
  const int32_t other_multiplier = p->other_multiplier, multiplier = p->multiplier;
  const int32_t zero = p->y_zero;
  for (int32_t left = count; left > 0; left -= 4, other += 4, half += 4, y += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)left);
    const int32x4_t wide = vmlasq_n_s32(vldrbq_z_s32(other, lanes), unit, other_offset);
    const int32x4_t scaled = vqrdmulhq_n_s32(wide, other_multiplier);
    int32x4_t sum =
        other_away ? helium_shift_away(scaled, other_shift) : vrshlq_s32(scaled, other_shift);
    sum = vaddq_n_s32(vmlaq_n_s32(sum, vldrbq_z_s32(half, lanes), half_unit), half_offset);
    sum = vqrdmulhq_n_s32(sum, multiplier);
    sum = sum_away ? helium_shift_away(sum, shift) : vrshlq_s32(sum, shift);
    sum = vminq_s32(vmaxq_s32(vaddq_n_s32(sum, zero), low), high);
    vstrbq_p_s32(y, sum, lanes);
  }
}

void add_helium(const void *args, tw_span work) {
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
