#include "dialect_softmax.h"
#include "ratio.h"
#include "tw_arithmetic.h"

void ratio_softmax_s8(const void *args, tw_work work) {
  const ratio_softmax_s8_args *const a = args;
  const int32_t length = a->length;
  const uint32_t most = (uint32_t)(a->levels - 1);
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < length; i++) {
      largest = tw_max(largest, x[i]);
    }
    uint32_t sum = 0;
    for (int32_t i = 0; i < length; i++) {
      sum += (uint32_t)a->table[largest - x[i]];
    }
    const uint32_t inverse = UINT32_MAX / sum;
    for (int32_t i = 0; i < length; i++) {
      const uint32_t scaled = ratio((uint32_t)a->table[largest - x[i]] * most, sum, inverse);
      y[i] = (int8_t)((int32_t)scaled - 128);
    }
  }
}
