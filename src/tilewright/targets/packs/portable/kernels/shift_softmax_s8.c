#include "dialect_softmax.h"
#include "tw_arithmetic.h"

/// How far 256 is shifted for an element that is `distance` below another one.
static inline int32_t shift_softmax_shift(int32_t distance) {
  return tw_max(tw_shift_right(distance + 16, 5), 0);
}

static inline int32_t shift_softmax_largest(const int8_t *x, int32_t count) {
  int32_t largest = INT8_MIN;
  for (int32_t i = 0; i < count; i++) {
    largest = tw_max(largest, x[i]);
  }
  return largest;
}

void shift_softmax_s8(const void *args, tw_work work) {
  const shift_softmax_s8_args *const a = args;
  const int32_t length = a->length, group = a->group > 0 ? a->group : length;
  const int32_t most = a->group > 0 ? a->levels / 2 - 1 : a->levels - 1;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    int32_t largest = shift_softmax_largest(x, group), sum = 0;
    for (int32_t first = 0; first + group <= length; first += group) {
      const int32_t higher = tw_max(largest, shift_softmax_largest(x + first, group));
      sum >>= shift_softmax_shift(higher - largest);
      largest = higher;
      for (int32_t i = first; i < first + group; i++) {
        sum += 256 >> shift_softmax_shift(largest - x[i]);
      }
    }
    const int32_t inverse = most * 256 / sum;
    for (int32_t i = 0; i < length; i++) {
      y[i] = (int8_t)((inverse >> shift_softmax_shift(largest - x[i])) - 128);
    }
  }
}
