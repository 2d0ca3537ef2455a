#include "wide_softmax.h"

#include "tw_arithmetic.h"

static int32_t interpolated(const int16_t *table, int32_t x) {
  const int32_t index = 256 + tw_shift_right(x, 7), base = table[index];
  return base + tw_shift_right((table[index + 1] - base) * (x & 127) + 64, 7);
}

static int32_t part(const wide_softmax_args *a, int32_t below) {
  const int32_t steps = tw_rescale(below, a->multiplier, a->shift, TW_ROUND_DOUBLE);
  // The smallest steps are below -2**16 by far: adding first might leave 32 bits.
  const int32_t near = tw_max(steps, INT16_MIN - INT16_MAX);
  return interpolated(a->exps, tw_clip(near + INT16_MAX, INT16_MIN, INT16_MAX));
}

void wide_softmax(const void *args, tw_work work) {
  const wide_softmax_args *const a = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int16_t *const x = a->x + row * a->length;
    int16_t *const y = a->y + row * a->length;
    int32_t largest = INT16_MIN, sum = 0;
    for (int32_t i = 0; i < a->length; i++) {
      largest = tw_max(largest, x[i]);
    }
    for (int32_t i = 0; i < a->length; i++) {
      sum += part(a, x[i] - largest);
    }
    int32_t zeros = 0; // before the leading one
    for (uint32_t rest = (uint32_t)sum; (rest >> 31) == 0; rest <<= 1) {
      zeros++;
    }
    const int64_t moved = ((int64_t)sum << (zeros - 1)) + (1 << 13);
    const int32_t centred = (int32_t)(moved >> 14) - (1 << 15) - (1 << 16);
    const int32_t factor = interpolated(a->reciprocals, tw_clip(centred, INT16_MIN, INT16_MAX));
    const int32_t shift = 31 - zeros;
    const int32_t half = (int32_t)((uint32_t)1 << shift >> 1);
    for (int32_t i = 0; i < a->length; i++) {
      const int32_t product = part(a, x[i] - largest) * factor;
      y[i] = (int16_t)tw_clip(tw_shift_right(product + half, shift), 0, INT16_MAX);
    }
  }
}
