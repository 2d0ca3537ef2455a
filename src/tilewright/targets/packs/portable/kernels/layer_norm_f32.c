#include "layer_norm_f32.h"

#include <math.h>

void layer_norm_f32(const void *args, tw_work work) {
  const layer_norm_f32_args *const a = args;
  const int32_t length = a->length;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = a->x + row * length;
    float *const y = a->y + row * length;
    float sum = 0.0F;
    for (int32_t i = 0; i < length; i++) {
      sum += x[i];
    }
    const float mean = sum / (float)length;
    float squares = 0.0F;
    for (int32_t i = 0; i < length; i++) {
      squares += (x[i] - mean) * (x[i] - mean);
    }
    const float deviation = sqrtf(squares / (float)length + a->epsilon);
    for (int32_t i = 0; i < length; i++) {
      y[i] = (x[i] - mean) / deviation * a->scale[i] + a->bias[i];
    }
  }
}
