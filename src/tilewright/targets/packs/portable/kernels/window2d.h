/// Sliding windows over the rows or the columns of an NHWC tensor, clipped to the input.
#pragma once

#include "tw_arithmetic.h"

/// Taps [first, stop) of one window axis lie inside the input; tap k reads origin + k * dilation.
typedef struct {
  int32_t origin, first, stop;
} tw_taps;

/// Window `index` along an axis of `extent` elements that starts at `pad`; stop <= first where
/// the whole window lies in the padding.
static inline tw_taps tw_taps_inside(int32_t index, int32_t stride, int32_t pad, int32_t kernel,
                                     int32_t dilation, int32_t extent) {
  const int32_t origin = index * stride - pad;
  const int32_t before = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  const int32_t after = extent > origin ? (extent - origin + dilation - 1) / dilation : 0;
  return (tw_taps){.origin = origin, .first = before, .stop = tw_min(kernel, after)};
}
