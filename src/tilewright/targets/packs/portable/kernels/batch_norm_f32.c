#include "batch_norm_f32.h"

void batch_norm_f32(const void *args, tw_work work) {
  const batch_norm_f32_args *const a = args;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const float *const x = a->x + pixel * a->channels;
    float *const y = a->y + pixel * a->channels;
    for (int32_t c = 0; c < a->channels; c++) {
      y[c] = x[c] * a->scale[c] + a->bias[c];
    }
  }
}
