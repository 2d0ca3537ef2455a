#include "clip_f32.h"

#include "clip_f32_core.h"

void clip_f32(const void *args, tw_work work) {
  const clip_f32_args *const a = args;
  const float low = a->low, high = a->high;
  const float *const x = a->x;
  float *const y = a->y;
  for (int32_t i = work.start; i < work.stop; i++) {
    y[i] = tw_clip_f32(x[i], low, high);
  }
}
