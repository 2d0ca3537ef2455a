#include "convert.h"

void select_32(const void *args, tw_work work) {
  const select_32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    k->y[i] = k->condition[i] != 0 ? k->a[i] : k->b[i];
  }
}
