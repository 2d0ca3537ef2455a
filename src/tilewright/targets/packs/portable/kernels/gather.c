#include "gather.h"

#include <string.h>

#include "tw_arithmetic.h"

void gather(const void *args, tw_work work) {
  const gather_args *const a = args;
  const uint8_t *const x = a->x;
  uint8_t *const y = a->y;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t given = a->index[item % a->count];
    const int32_t from_front = given < 0 ? given + a->rows : given;
    const int32_t row = item / a->count * a->rows + tw_clip(from_front, 0, a->rows - 1);
    memcpy(y + item * a->row_bytes, x + row * a->row_bytes, (size_t)a->row_bytes);
  }
}
