/// Most calls have one short row and come once in an inference, so that fetching the code takes
/// longer than running it: few instructions, nothing unrolled.
#include "table_softmax_xpulp.h"

#include "xpulp.h"

/// multiplier * 2**bits / sum, rounded down, digit by digit: it is below 2**31, for the sum is at
/// least 2**bits. 0 < sum < 2**31.
static inline uint32_t factor_of(uint32_t multiplier, int32_t bits, uint32_t sum) {
  int32_t spare = 0; // bits that a remainder has room for
  while ((sum << spare >> 31) == 0) {
    ++spare;
  }
  uint32_t factor = 0, rest = multiplier;
  for (int32_t digit = 0;;) {
    const uint32_t quotient = rest / sum;
    factor = factor << digit | quotient;
    if (bits == 0) {
      return factor;
    }
    digit = bits < spare ? bits : spare;
    rest = (rest - quotient * sum) << digit;
    bits -= digit;
  }
}

void table_softmax_xpulp(const void *args, tw_work work) {
  const table_softmax_xpulp_args *const a = args;
  const int32_t length = a->length, shift = a->shift;
  const int32_t zero = a->y_zero, low = a->low, high = a->high;
  int32_t *const powers = work.scratch;
  for (int32_t row = work.start; row < work.stop; ++row) {
    const int8_t *const x = a->x + row * length;
    int32_t largest = x[0];
    for (int32_t i = 1; i < length; ++i) {
      largest = p_max(largest, x[i]);
    }
    const int32_t *const table = a->table + largest;
    uint32_t sum = 0;
    for (int32_t i = 0; i < length; ++i) {
      const int32_t power = table[-x[i]];
      powers[i] = power;
      sum += (uint32_t)power;
    }
    const uint32_t factor = factor_of((uint32_t)a->multiplier, a->bits, sum);
    int8_t *const y = a->y + row * length;
    for (int32_t i = 0; i < length; ++i) {
      // Half of the last place is in the upper word: the lower one makes no difference.
      const int32_t upper = (int32_t)((uint64_t)(uint32_t)powers[i] * factor >> 32);
      y[i] = (int8_t)p_min(p_max(p_addrn(upper, 0, shift) + zero, low), high);
    }
  }
}
