#include "quantize_s8_tflite.h"

#include "tw_arithmetic.h"

/// The nearest integer, ties away from zero, for |x| < 2**23: both steps are exact.
static inline int32_t round_half_away(float x) {
  const int32_t whole = (int32_t)x;
  const float rest = x - (float)whole;
  return whole + (rest >= 0.5F) - (rest <= -0.5F);
}

void quantize_s8_tflite(const void *args, tw_work work) {
  const quantize_s8_tflite_args *const a = args;
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
    y[i] = (int8_t)tw_clip(round_half_away(clipped) + zero_point, -128, 127);
  }
}
