/// What weights with a zero point take off every sum.
#pragma once

#include <arm_mve.h>

/// x[0] + ... + x[length - 1]
__attribute__((noinline, unused)) static int32_t helium_row_sum(const int8_t *x, int32_t length) {
  int32_t sum = 0;
  for (; length > 0; length -= 16, x += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)length);
    sum = vaddvaq_p_s8(sum, vldrbq_z_s8(x, lanes), lanes);
  }
  return sum;
}
