#include "convert.h"

void to_real_s32(const void *args, tw_work work) {
  const to_real_s32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    k->y[i] = (float)k->x[i];
  }
}
