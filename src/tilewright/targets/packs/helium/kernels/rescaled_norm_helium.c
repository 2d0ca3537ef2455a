#include "rescaled_norm_helium.h"

#include <arm_mve.h>

#include "rescaled_norm_row.h"
#include "tw_arithmetic.h"

/// What the four elements of a step have in common.
typedef struct {
  int32x4_t factor, reciprocal;
  int32_t minus, right; // right: minus the shift that ends
} norm_helium_row;

static inline int32x4_t norm_helium_four(const norm_helium_row *r, int32x4_t x, int32x4_t scale,
                                         int32x4_t bias) {
  // What does not fit while the terms are apart cancels in their sum.
  const int32x4_t lifted = vmlasq_n_s32(x, r->factor, r->minus);
  const int32x4_t normal = vmulhq_s32(lifted, r->reciprocal);
  const int32x4_t scaled = vshlq_r_s32(vaddq_s32(vmulhq_s32(normal, scale), bias), r->right);
  return vminq_s32(vmaxq_s32(scaled, vdupq_n_s32(-128)), vdupq_n_s32(127));
}

void rescaled_norm_helium(const void *args, tw_work work) {
  const rescaled_norm_helium_args *const a = args;
  const int32_t length = a->length;
  const rescaled_norm_constants constants = {
      length, a->is_centred, a->x_zero, a->epsilon_high, a->epsilon, a->fraction_bits, a->guard,
  };
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *x = a->x + row * length;
    int8_t *y = a->y + row * length;
    int32_t sum = 0, squares = 0;
    for (int32_t i = 0; i < length; i += 16) {
      const int8x16_t bytes = vldrbq_z_s8(x + i, vctp8q((uint32_t)(length - i)));
      sum = vaddvaq_s8(sum, bytes);
      squares = vmladavaq_s8(squares, bytes, bytes);
    }
    const rescaled_norm_row r = rescaled_norm_of(&constants, sum, squares);
    const uint32_t factor = (uint32_t)length << r.lift, centre = (uint32_t)r.centre << r.lift;
    const norm_helium_row in_lanes = {vdupq_n_s32((int32_t)factor), vdupq_n_s32(r.reciprocal),
                                      (int32_t)(0 - centre), -a->output_shift};
    const int32_t *scale = a->scale, *bias = a->bias;
    int32_t left = length;
    for (; left >= 4; left -= 4, x += 4, y += 4, scale += 4, bias += 4) {
      const int32x4_t four =
          norm_helium_four(&in_lanes, vldrbq_s32(x), vldrwq_s32(scale), vldrwq_s32(bias));
      vstrbq_s32(y, four);
    }
    if (left > 0) {
      const mve_pred16_t lanes = vctp32q((uint32_t)left);
      const int32x4_t four = norm_helium_four(
          &in_lanes, vldrbq_z_s32(x, lanes), vldrwq_z_s32(scale, lanes), vldrwq_z_s32(bias, lanes));
      vstrbq_p_s32(y, four, lanes);
    }
  }
}
