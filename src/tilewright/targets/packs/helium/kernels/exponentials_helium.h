/// What the softmax kernels do with a row and a table of exponentials by largest - x.
#pragma once

#include <arm_mve.h>

#include "tilewright.h"

/// The largest of `count` bytes.
static inline int32_t helium_largest(const int8_t *x, int32_t count) {
  int8_t largest = INT8_MIN;
  for (; count > 0; count -= 16, x += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)count);
    largest = vmaxvq_p_s8(largest, vldrbq_z_s8(x, lanes), lanes);
  }
  return largest;
}

/// Four exponentials; 0 where a lane is not in use.
static inline int32x4_t helium_exponentials(const int8_t *x, const int32_t *table, int32_t largest,
                                            mve_pred16_t lanes) {
  const int32x4_t below = vsubq_s32(vdupq_n_s32(largest), vldrbq_z_s32(x, lanes));
  return vldrwq_gather_shifted_offset_z_s32(table, vreinterpretq_u32_s32(below), lanes);
}
