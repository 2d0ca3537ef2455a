#include "rms_norm_f32.h"

#include <math.h>

void rms_norm_f32(const void *args, tw_work work) {
  const rms_norm_f32_args *const a = args;
  const int32_t length = a->length;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = a->x + row * length;
    float *const y = a->y + row * length;
    float squares = 0.0F;
    for (int32_t i = 0; i < length; i++) {
      squares += x[i] * x[i];
    }
    const float root = sqrtf(squares / (float)length + a->epsilon);
    for (int32_t i = 0; i < length; i++) {
      y[i] = x[i] / root * a->scale[i];
    }
  }
}
