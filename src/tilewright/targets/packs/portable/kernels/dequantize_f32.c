#include "dequantize_f32.h"

void dequantize_f32(const void *args, tw_work work) {
  const dequantize_f32_args *const a = args;
  const int8_t *const x = a->x;
  float *const y = a->y;
  const float scale = a->scale;
  const int32_t zero_point = a->zero_point;
  for (int32_t i = work.start; i < work.stop; i++) {
    y[i] = (float)(x[i] - zero_point) * scale;
  }
}
