#include "copy.h"

#include <string.h>

void copy(const void *args, tw_work work) {
  const copy_args *const a = args;
  const uint8_t *const x = a->x;
  uint8_t *const y = a->y;
  memmove(y + work.start, x + work.start, (size_t)(work.stop - work.start));
}
