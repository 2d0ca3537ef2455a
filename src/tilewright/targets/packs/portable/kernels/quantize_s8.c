#include "quantize_s8.h"

#include "tw_arithmetic.h"

/// The nearest integer, ties to even, for |x| <= 2**22: adding 1.5 * 2**23 leaves no bits for a
/// fraction, so the addition itself rounds as IEEE 754 says.
static inline int32_t round_half_even(float x) {
  const float no_fraction_bits = 12582912.0F;
  return (int32_t)((x + no_fraction_bits) - no_fraction_bits);
}

void quantize_s8(const void *args, tw_work work) {
  const quantize_s8_args *const a = args;
  const float *const x = a->x;
  int8_t *const y = a->y;
  const float scale = a->scale;
  const int32_t zero_point = a->zero_point;
  const float beyond = 512.0F; // clips to -128 or 127 under every zero point
  for (int32_t i = work.start; i < work.stop; i++) {
    const float steps = x[i] / scale;
    const float number = steps == steps ? steps : 0.0F;
    const float raised = number < -beyond ? -beyond : number;
    const float clipped = raised > beyond ? beyond : raised;
    y[i] = (int8_t)tw_clip(round_half_even(clipped) + zero_point, -128, 127);
  }
}
