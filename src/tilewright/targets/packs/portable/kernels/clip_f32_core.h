/// Clipping of real numbers, alike in every float32 kernel.
#pragma once

/// min(max(x, low), high); NaN stays NaN because it compares false.
static inline float tw_clip_f32(float x, float low, float high) {
  const float raised = x < low ? low : x;
  return raised > high ? high : raised;
}
