/// One row of an elementwise operator with two real operands.
#pragma once

#include "broadcast.h"
#include "clip_f32_core.h"

typedef enum { BINARY_ADD, BINARY_MUL } binary_kind;

static inline float binary_f32(float a, float b, float low, float high, binary_kind kind) {
  return tw_clip_f32(kind == BINARY_ADD ? a + b : a * b, low, high);
}

/// y[i] = clip(a[i * a_step] op b[i * b_step]) for i < count; steps are 0 or 1.
/// `kind` is a constant of the caller. One loop per pair of steps, so that each vectorises.
static inline void binary_row_f32(const float *a, int32_t a_step, const float *b, int32_t b_step,
                                  float *y, int32_t count, float low, float high,
                                  binary_kind kind) {
  if (a_step != 0 && b_step != 0) {
    for (int32_t i = 0; i < count; i++) {
      y[i] = binary_f32(a[i], b[i], low, high, kind);
    }
  } else if (a_step != 0) {
    const float repeated = *b;
    for (int32_t i = 0; i < count; i++) {
      y[i] = binary_f32(a[i], repeated, low, high, kind);
    }
  } else {
    const float repeated = *a;
    for (int32_t i = 0; i < count; i++) {
      y[i] = binary_f32(repeated, b[i * b_step], low, high, kind);
    }
  }
}
