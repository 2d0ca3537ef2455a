#include "softmax_s8_tflite.h"

#include "tw_arithmetic.h"

enum {
  SUM_INTEGER_BITS = 12,        // sums are Q12.19
  TWO_Q2 = 1 << 30,             // 2 as Q2.29
  ONE_Q2 = 1 << 29,             // 1 as Q2.29
  GUESS_Q2 = 1515870810,        // 48/17 as Q2.29
  GUESS_SLOPE_Q2 = -1010580540, // -32/17 as Q2.29
};

/// 1 / (1 + fraction) as Q0.31 for a fraction in [0, 1) as Q0.31: three Newton steps.
static int32_t reciprocal_of_one_plus(int32_t fraction) {
  const int32_t half_denominator = (int32_t)(((int64_t)fraction + INT32_MAX + 1) >> 1);
  int32_t x = GUESS_Q2 + tw_doubling_high_multiply(half_denominator, GUESS_SLOPE_Q2);
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = ONE_Q2 - tw_doubling_high_multiply(half_denominator, x);
    x += tw_shift_left(tw_doubling_high_multiply(x, error), 2);
  }
  return x >= TWO_Q2 ? INT32_MAX : tw_shift_left(x, 1);
}

static inline int32_t leading_zeros(uint32_t x) {
  int32_t zeros = 0;
  for (uint32_t rest = x; (rest >> 31) == 0; rest <<= 1) {
    zeros++;
  }
  return zeros;
}

void softmax_s8_tflite(const void *args, tw_work work) {
  const softmax_s8_tflite_args *const a = args;
  const int32_t length = a->length;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < length; i++) {
      largest = tw_max(largest, x[i]);
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < length; i++) {
      sum += tw_rounding_shift_right(a->table[largest - x[i]], SUM_INTEGER_BITS);
    }
    // The sum is 1.f * 2**(something): f goes into the reciprocal, the rest into the shift.
    const int32_t zeros = leading_zeros((uint32_t)sum);
    const int32_t fraction = (int32_t)(((uint32_t)sum << zeros) & INT32_MAX);
    const int32_t reciprocal = reciprocal_of_one_plus(fraction);
    const int32_t shift = SUM_INTEGER_BITS - zeros + 31 - 8;
    for (int32_t i = 0; i < length; i++) {
      const int32_t part = tw_doubling_high_multiply(reciprocal, a->table[largest - x[i]]);
      const int32_t scaled = shift > 31 ? 0 : tw_rounding_shift_right(part, shift);
      y[i] = (int8_t)tw_clip(scaled - 128, -128, 127);
    }
  }
}
