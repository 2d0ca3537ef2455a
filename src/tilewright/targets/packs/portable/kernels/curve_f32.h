/// y[i] = curve(x[i]) in float32: functions that activation_f32 has not; most need libm.
#pragma once

#include "tilewright.h"

/// Values of `curve`, as in src/tilewright/ops/curves.py, which says what each one is.
enum {
  CURVE_ABS,
  CURVE_NEG,
  CURVE_SIGN,
  CURVE_FLOOR,
  CURVE_CEIL,
  CURVE_ROUND,
  CURVE_SQRT,
  CURVE_RECIPROCAL,
  CURVE_EXP,
  CURVE_LOG,
  CURVE_ERF,
  CURVE_SIN,
  CURVE_COS,
  CURVE_TAN,
  CURVE_ASIN,
  CURVE_ACOS,
  CURVE_ATAN,
  CURVE_SINH,
  CURVE_COSH,
  CURVE_ASINH,
  CURVE_ACOSH,
  CURVE_ATANH,
  CURVE_ELU,
  CURVE_SELU,
  CURVE_CELU,
  CURVE_SOFTPLUS,
  CURVE_SOFTSIGN,
  CURVE_MISH,
  CURVE_SWISH,
  CURVE_GELU,
  CURVE_GELU_TANH,
  CURVE_THRESHOLDED_RELU,
  CURVE_SHRINK,
};

typedef struct {
  const float *x; // [size]
  float *y;       // [size]; may be x itself
  int32_t curve;
  float alpha, beta;
} curve_f32_args;

/// Work items are elements.
void curve_f32(const void *args, tw_work work);
