#include "gather_sum.h"

#include <string.h>

#include "tw_arithmetic.h"

void gather_sum(const void *args, tw_work work) {
  const gather_sum_args *const a = args;
  const uint8_t *const x = a->x;
  const size_t size = (size_t)a->row_bytes;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t given = a->index[item % a->count];
    const int32_t from_front = given < 0 ? given + a->rows : given;
    const int32_t row = tw_clip(from_front, 0, a->rows - 1) - a->first;
    uint8_t *const y = (uint8_t *)a->y + item * a->row_bytes;
    if (row >= 0 && row < a->here) {
      memcpy(y, x + (item / a->count * a->here + row) * a->row_bytes, size);
    } else if (!a->adds) {
      memset(y, 0, size);
    }
  }
}
