/// An int8 operand of an elementwise kernel, widened and without its zero point.
#pragma once

#include "tilewright.h"

enum { CENTRED_LANES = 64 }; // elements that a kernel takes from both operands before it writes

/// centred[i] = x[i * step] - zero for i in [0, count); step is 0 (one element, repeated) or 1.
static inline void centred_s8(const int8_t *x, int32_t step, int32_t zero, int32_t count,
                              int32_t *centred) {
  if (step == 0) {
    const int32_t repeated = x[0] - zero;
    for (int32_t i = 0; i < count; i++) {
      centred[i] = repeated;
    }
    return;
  }
  for (int32_t i = 0; i < count; i++) {
    centred[i] = x[i] - zero;
  }
}
