/// The last step of kernels with one scale for all elements.
#pragma once

#include "helium_rescale.h"

typedef struct {
  int32_t multiplier, shift; // as helium_rescale wants them
  int32_t zero;              // zero point of the output
  int32_t low, high;         // clip range
} helium_scalar;

/// Four accumulators to clipped results. `how` must be a constant.
static inline int32x4_t helium_finish(int32x4_t acc, const helium_scalar *s, helium_rescaling how) {
  const int32x4_t multiplier = vdupq_n_s32(s->multiplier), shift = vdupq_n_s32(s->shift);
  const int32x4_t y = vaddq_n_s32(helium_rescale(acc, multiplier, shift, how), s->zero);
  return vminq_s32(vmaxq_s32(y, vdupq_n_s32(s->low)), vdupq_n_s32(s->high));
}
