#include "curve_f32.h"

#include <math.h>

static float softplus(float x) { return fmaxf(x, 0.0F) + log1pf(expf(-fabsf(x))); }

static float arithmetic(float x, int32_t curve) {
  switch (curve) {
  case CURVE_ABS:
    return fabsf(x);
  case CURVE_NEG:
    return -x;
  case CURVE_SIGN:
    return x > 0.0F ? 1.0F : x < 0.0F ? -1.0F : x;
  case CURVE_FLOOR:
    return floorf(x);
  case CURVE_CEIL:
    return ceilf(x);
  case CURVE_ROUND:
    return nearbyintf(x);
  case CURVE_SQRT:
    return sqrtf(x);
  default:
    return 1.0F / x;
  }
}

static float transcendental(float x, int32_t curve) {
  switch (curve) {
  case CURVE_EXP:
    return expf(x);
  case CURVE_LOG:
    return logf(x);
  case CURVE_ERF:
    return erff(x);
  case CURVE_SIN:
    return sinf(x);
  case CURVE_COS:
    return cosf(x);
  case CURVE_TAN:
    return tanf(x);
  case CURVE_ASIN:
    return asinf(x);
  case CURVE_ACOS:
    return acosf(x);
  case CURVE_ATAN:
    return atanf(x);
  case CURVE_SINH:
    return sinhf(x);
  case CURVE_COSH:
    return coshf(x);
  case CURVE_ASINH:
    return asinhf(x);
  case CURVE_ACOSH:
    return acoshf(x);
  default:
    return atanhf(x);
  }
}

static float shrunk(float x, float threshold, float bias) {
  return x < -threshold ? x + bias : x > threshold ? x - bias : 0.0F * x;
}

static float activated(float x, int32_t curve, float a, float b) {
  switch (curve) {
  case CURVE_ELU:
    return x < 0.0F ? a * expm1f(x) : x;
  case CURVE_SELU:
    return b * (x < 0.0F ? a * expm1f(x) : x);
  case CURVE_CELU:
    return x < 0.0F ? a * expm1f(x / a) : x;
  case CURVE_SOFTPLUS:
    return softplus(x);
  case CURVE_SOFTSIGN:
    return x / (1.0F + fabsf(x));
  case CURVE_MISH:
    return x * tanhf(softplus(x));
  case CURVE_SWISH:
    return x / (1.0F + expf(-a * x));
  case CURVE_GELU:
    return 0.5F * x * (1.0F + erff(x * 0.707106781F));
  case CURVE_GELU_TANH:
    return 0.5F * x * (1.0F + tanhf(0.797884561F * (x + 0.044715F * x * x * x)));
  case CURVE_THRESHOLDED_RELU:
    return x > a ? x : 0.0F;
  default:
    return shrunk(x, a, b);
  }
}

void curve_f32(const void *args, tw_work work) {
  const curve_f32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const float x = k->x[i];
    k->y[i] = k->curve < CURVE_EXP   ? arithmetic(x, k->curve)
              : k->curve < CURVE_ELU ? transcendental(x, k->curve)
                                     : activated(x, k->curve, k->alpha, k->beta);
  }
}
