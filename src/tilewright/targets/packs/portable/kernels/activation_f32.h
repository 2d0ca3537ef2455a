/// y[i] = curve(x[i]) in float32.
#pragma once

#include "tilewright.h"

/// Values of `curve`.
enum {
  ACTIVATION_SIGMOID = 0,
  ACTIVATION_TANH = 1,
  ACTIVATION_HARD_SWISH = 2,   // x * clip(x / 6 + 1 / 2, 0, 1)
  ACTIVATION_HARD_SIGMOID = 3, // clip(alpha * x + beta, 0, 1)
  ACTIVATION_LEAKY_RELU = 4,   // x, or alpha * x below zero
};

typedef struct {
  const float *x; // [size]
  float *y;       // [size]; may be x itself
  int32_t curve;
  float alpha, beta;
} activation_f32_args;

/// Work items are elements.
void activation_f32(const void *args, tw_work work);
