/// Sliding windows, clipped to the input.
#pragma once

#include "tw_arithmetic.h"

/// Elements [first, stop) of one window axis that lie inside the input.
typedef struct {
  int32_t first, stop;
} helium_taps;

static inline helium_taps helium_taps_inside(int32_t origin, int32_t kernel, int32_t dilation,
                                             int32_t extent) {
  const int32_t before = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  const int32_t after = extent > origin ? (extent - origin + dilation - 1) / dilation : 0;
  return (helium_taps){.first = before, .stop = tw_max(tw_min(kernel, after), before)};
}
