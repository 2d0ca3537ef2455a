#include "rescaled_norm_s8.h"

#include "rescaled_norm_row.h"
#include "tw_arithmetic.h"

/// The upper half of the product.
static inline int32_t rescaled_norm_high(int32_t a, int32_t b) {
  return (int32_t)tw_shift_right_64((int64_t)a * b, 32);
}

void rescaled_norm_s8(const void *args, tw_work work) {
  const rescaled_norm_s8_args *const a = args;
  const int32_t length = a->length, output_shift = a->output_shift;
  const rescaled_norm_constants constants = {
      length, a->is_centred, a->x_zero, a->epsilon_high, a->epsilon, a->fraction_bits, a->guard,
  };
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    int32_t sum = 0, squares = 0;
    for (int32_t i = 0; i < length; i++) {
      sum += x[i];
      squares += x[i] * x[i];
    }
    const rescaled_norm_row r = rescaled_norm_of(&constants, sum, squares);
    for (int32_t i = 0; i < length; i++) {
      const int32_t lifted = tw_shift_left(length * x[i] - r.centre, r.lift);
      const int32_t normal = rescaled_norm_high(lifted, r.reciprocal);
      const int32_t scaled = rescaled_norm_high(normal, a->scale[i]) + a->bias[i];
      y[i] = (int8_t)tw_clip(tw_shift_right(scaled, output_shift), -128, 127);
    }
  }
}
