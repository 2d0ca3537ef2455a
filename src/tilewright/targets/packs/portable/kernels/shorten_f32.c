#include "convert.h"

#include <math.h>

/// The nearest multiple of 2^(exponent of x - bits), by way of whole numbers, which are exact.
static float shortened(float x, const shorten_f32_args *k) {
  if (!isfinite(x)) {
    return isnan(x) || isinf(k->beyond) ? x : copysignf(k->beyond, x);
  }
  int exponent = 0;
  (void)frexpf(x, &exponent);
  exponent = exponent - 1 < k->smallest ? k->smallest : exponent - 1;
  const float rounded =
      (float)ldexp(nearbyint(ldexp((double)x, k->bits - exponent)), exponent - k->bits);
  return fabsf(rounded) > k->largest ? copysignf(k->beyond, x) : rounded;
}

void shorten_f32(const void *args, tw_work work) {
  const shorten_f32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    k->y[i] = shortened(k->x[i], k);
  }
}
