#include "recentre.h"

void recentre(const void *args, tw_work work) {
  const recentre_args *const a = args;
  const uint8_t *const x = a->x;
  uint8_t *const y = a->y;
  for (int32_t i = work.start; i < work.stop; i++) {
    y[i] = (uint8_t)(x[i] ^ 0x80U);
  }
}
