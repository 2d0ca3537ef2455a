#include "activation_f32.h"

#include <math.h>

#include "clip_f32_core.h"

static float activation(float x, int32_t curve, float alpha, float beta) {
  switch (curve) {
  case ACTIVATION_SIGMOID:
    return 1.0F / (1.0F + expf(-x));
  case ACTIVATION_TANH:
    return tanhf(x);
  case ACTIVATION_HARD_SWISH:
    return x * tw_clip_f32(x / 6.0F + 0.5F, 0.0F, 1.0F);
  case ACTIVATION_HARD_SIGMOID:
    return tw_clip_f32(alpha * x + beta, 0.0F, 1.0F);
  default:
    return x < 0.0F ? alpha * x : x;
  }
}

void activation_f32(const void *args, tw_work work) {
  const activation_f32_args *const a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    a->y[i] = activation(a->x[i], a->curve, a->alpha, a->beta);
  }
}
