#include "convert.h"

void widen_s8(const void *args, tw_work work) {
  const widen_s8_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    k->y[i] = k->x[i] - k->zero;
  }
}
