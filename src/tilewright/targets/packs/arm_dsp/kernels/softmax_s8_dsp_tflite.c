#include "quick_loops.h"

#include "softmax_s8_dsp.h"

#include "dsp_requantise.h"
#include "softmax_row.h"

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

void softmax_s8_dsp_tflite(const void *args, tw_work work) {
  const softmax_s8_dsp_args *const a = args;
  const int32_t length = a->length, *const table = a->table;
  const int8_t *x = a->x + work.start * length;
  int8_t *y = a->y + work.start * length;
  for (int32_t rows = work.stop - work.start; rows > 0; rows--) {
    const int32_t *const from = table + softmax_largest(x, length);
    uint32_t sum = (uint32_t)softmax_sum(x, length, from, SUM_INTEGER_BITS);
    // The sum as 1.f * 2**something: the rest of its bits go into the shift.
    int32_t shift = SUM_INTEGER_BITS + 31 - 8;
    for (; sum >> 31 == 0; sum <<= 1) {
      shift--;
    }
    const int32_t reciprocal = reciprocal_of_one_plus(sum & INT32_MAX);
    const dsp_scale scale = {(int32_t)((uint32_t)reciprocal << 1), shift, -128};
    const int8_t *const end = x + length;
    do {
      // Where the sum is 512 or more, every quotient is less than half a step.
      const int32_t e = *(from - *x++);
      *y++ = (int8_t)(shift > 31 ? -128 : dsp_rescale_double(e, &scale));
    } while (x != end);
  }
}
