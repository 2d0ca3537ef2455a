#include "border_s16.h"
#include "half_away.h"
#include "tw_arithmetic.h"

void quantize_s16_tflite(const void *args, tw_work work) {
  const quantize_s16_tflite_args *const a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t steps = half_away_steps(a->x[i] / a->scale, 131072.0F);
    a->y[i] = (int16_t)tw_clip(steps + a->zero_point, INT16_MIN, INT16_MAX);
  }
}
