/// Real numbers to the nearest integers, ties away from zero.
#pragma once

#include <stdint.h>

/// The nearest integer for |x| < 2**23: both steps are exact.
static inline int32_t round_half_away(float x) {
  const int32_t whole = (int32_t)x;
  const float rest = x - (float)whole;
  return whole + (rest >= 0.5F) - (rest <= -0.5F);
}

/// The same after clipping to +-beyond; 0 for NaN.
static inline int32_t half_away_steps(float x, float beyond) {
  const float number = x == x ? x : 0.0F;
  const float raised = number < -beyond ? -beyond : number;
  return round_half_away(raised > beyond ? beyond : raised);
}
