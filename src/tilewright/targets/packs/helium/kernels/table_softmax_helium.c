#include "table_softmax_helium.h"

#include "exponentials_helium.h"
#include "helium_scalar.h"

static int32_t sum_of(const int8_t *x, const int32_t *table, int32_t largest, int32_t count) {
  int32_t sum = 0;
  for (; count > 0; count -= 4, x += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)count);
    sum = vaddvaq_s32(sum, helium_exponentials(x, table, largest, lanes));
  }
  return sum;
}

void table_softmax_helium(const void *args, tw_work work) {
  const table_softmax_helium_args *const a = args;
  const int32_t length = a->length, *const table = a->table;
  const uint64_t whole = (uint64_t)(uint32_t)a->multiplier << a->bits;
  helium_scalar scale = {0, 32 - a->shift - a->bits, a->y_zero, a->low, a->high};
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *x = a->x + row * length;
    int8_t *y = a->y + row * length;
    const int32_t largest = helium_largest(x, length);
    scale.multiplier = (int32_t)(whole / (uint32_t)sum_of(x, table, largest, length));
    for (int32_t left = length; left > 0; left -= 4, x += 4, y += 4) {
      const mve_pred16_t lanes = vctp32q((uint32_t)left);
      const int32x4_t e = helium_exponentials(x, table, largest, lanes);
      vstrbq_p_s32(y, helium_finish(e, &scale, HELIUM_EVEN), lanes);
    }
  }
}
