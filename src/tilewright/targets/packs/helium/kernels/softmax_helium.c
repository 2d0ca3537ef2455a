#include "softmax_helium.h"

#include "exponentials_helium.h"
#include "tw_arithmetic.h"

enum {
  SUM_INTEGER_BITS = 12,        // sums are Q12.19
  TWO_Q2 = 1 << 30,             // 2 as Q2.29
  ONE_Q2 = 1 << 29,             // 1 as Q2.29
  GUESS_Q2 = 1515870810,        // 48/17 as Q2.29
  GUESS_SLOPE_Q2 = -1010580540, // -32/17 as Q2.29
};

/// 1 / (1 + fraction) as Q0.31 for a fraction in [0, 1) as Q0.31: three Newton steps.
static int32_t reciprocal_of_one_plus(uint32_t fraction) {
  const int32_t half_denominator = (int32_t)((fraction + ((uint32_t)1 << 31)) >> 1);
  int32_t x = GUESS_Q2 + tw_doubling_high_multiply(half_denominator, GUESS_SLOPE_Q2);
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = ONE_Q2 - tw_doubling_high_multiply(half_denominator, x);
    x += tw_shift_left(tw_doubling_high_multiply(x, error), 2);
  }
  return x >= TWO_Q2 ? INT32_MAX : tw_shift_left(x, 1);
}

/// The sum of exponentials. None is negative, so that halves go up.
static int32_t sum_of(const int8_t *x, const int32_t *table, int32_t largest, int32_t count) {
  int32_t sum = 0;
  for (; count > 0; count -= 4, x += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)count);
    const int32x4_t e = helium_exponentials(x, table, largest, lanes);
    sum = vaddvaq_s32(sum, vrshrq_n_s32(e, SUM_INTEGER_BITS));
  }
  return sum;
}

void softmax_helium(const void *args, tw_work work) {
  const softmax_helium_args *const a = args;
  const int32_t length = a->length, *const table = a->table;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *x = a->x + row * length;
    int8_t *y = a->y + row * length;
    const int32_t largest = helium_largest(x, length);
    uint32_t sum = (uint32_t)sum_of(x, table, largest, length);
    // The sum as 1.f * 2**something: the rest of its bits go into the shift.
    int32_t shift = SUM_INTEGER_BITS + 31 - 8;
    for (; sum >> 31 == 0; sum <<= 1) {
      shift--;
    }
    const int32_t reciprocal = reciprocal_of_one_plus(sum & INT32_MAX);
    const int32x4_t right = vdupq_n_s32(-shift), most = vdupq_n_s32(127);
    for (int32_t left = length; left > 0; left -= 4, x += 4, y += 4) {
      const mve_pred16_t lanes = vctp32q((uint32_t)left);
      const int32x4_t e = helium_exponentials(x, table, largest, lanes);
      const int32x4_t scaled = vrshlq_s32(vqrdmulhq_n_s32(e, reciprocal), right);
      vstrbq_p_s32(y, vminq_s32(vsubq_n_s32(scaled, 128), most), lanes);
    }
  }
}
