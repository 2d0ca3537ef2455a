#include "quantize_s8_tflite.h"

#include "half_away.h"
#include "tw_arithmetic.h"

void quantize_s8_tflite(const void *args, tw_work work) {
  const quantize_s8_tflite_args *const a = args;
  const float *const x = a->x;
  int8_t *const y = a->y;
  const float scale = a->scale;
  const int32_t zero_point = a->zero_point;
  const float beyond = 512.0F; // clips to -128 or 127 under every zero point
  for (int32_t i = work.start; i < work.stop; i++) {
    y[i] = (int8_t)tw_clip(half_away_steps(x[i] / scale, beyond) + zero_point, -128, 127);
  }
}
