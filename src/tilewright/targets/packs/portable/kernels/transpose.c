/// The loops of transpose_8, transpose_16 and transpose_32.
#include <string.h>

#include "transpose.h"

/// One element of `bytes` bytes, a constant. Through a local, so that the places may be the same.
static inline void transpose_element(uint8_t *y, const uint8_t *x, size_t bytes) {
  uint8_t element[4];
  memcpy(element, x, bytes);
  memcpy(y, element, bytes);
}

static inline void transpose_rows(const transpose_args *a, tw_work work, int32_t bytes) {
  const int32_t extents[5] = {a->n0, a->n1, a->n2, a->n3, a->n4};
  const int32_t strides[5] = {a->s0, a->s1, a->s2, a->s3, a->s4};
  const uint8_t *const x = a->x;
  uint8_t *const y = a->y;
  const int32_t step = a->s5 * bytes, row_bytes = a->n5 * bytes;
  for (int32_t row = work.start; row < work.stop; row++) {
    int32_t start = 0;
    for (int32_t d = 4, index = row; d >= 0; d--) {
      start += index % extents[d] * strides[d];
      index /= extents[d];
    }
    const uint8_t *from = x + start * bytes;
    uint8_t *to = y + row * row_bytes;
    if (a->s5 == 1) {
      memmove(to, from, (size_t)row_bytes);
      continue;
    }
    for (int32_t i = 0; i < a->n5; i++) {
      transpose_element(to + i * bytes, from + i * step, (size_t)bytes);
    }
  }
}

void transpose_16(const void *args, tw_work work) { transpose_rows(args, work, 2); }

void transpose_32(const void *args, tw_work work) { transpose_rows(args, work, 4); }

void transpose_8(const void *args, tw_work work) { transpose_rows(args, work, 1); }
