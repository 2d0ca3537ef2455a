/// Multiply-accumulate in float32, eight outputs at a time.
#pragma once

#include "clip_f32_core.h"
#include "tw_arithmetic.h"

/// Outputs that are computed together; weights are packed in blocks of as many.
enum { F32_LANES = 8 };

/// sum[j] += x[i * step] * w[i][j] over i < count. Lanes have sums of their own, so that the loop
/// over them vectorises without reordering any addition.
static inline void accumulate_f32(float *sum, const float *x, int32_t step, const float *w,
                                  int32_t count) {
  float lanes[F32_LANES];
  for (int32_t j = 0; j < F32_LANES; j++) {
    lanes[j] = sum[j];
  }
  for (int32_t i = 0; i < count; i++) {
    const float factor = x[i * step];
// Machines without vectors want the lanes unrolled into registers. For AVX2, GCC would then
// vectorise the outer loop with a shuffle per product.
#if defined(__AVX2__) && !defined(__clang__)
#pragma GCC unroll 1
#endif
    for (int32_t j = 0; j < F32_LANES; j++) {
      lanes[j] += factor * w[i * F32_LANES + j];
    }
  }
  for (int32_t j = 0; j < F32_LANES; j++) {
    sum[j] = lanes[j];
  }
}

/// y[j] = clip(sum[j] + bias[j], low, high) for j < count.
static inline void finish_f32(float *y, const float *sum, const float *bias, int32_t count,
                              float low, float high) {
  for (int32_t j = 0; j < count; j++) {
    y[j] = tw_clip_f32(sum[j] + bias[j], low, high);
  }
}
