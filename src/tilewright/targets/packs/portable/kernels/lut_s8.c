#include "lut_s8.h"

void lut_s8(const void *args, tw_work work) {
  const lut_s8_args *const a = args;
  const int8_t *const x = a->x;
  const int8_t *const centre = a->table + 128;
  int8_t *const y = a->y;
  for (int32_t i = work.start; i < work.stop; i++) {
    y[i] = centre[x[i]];
  }
}
