#include "dense_helium_core.h"

void dense_helium_double(const void *args, tw_span work) {
  const dense_helium_args *a = args;
  const int32_t shifts = a->table_step == 0 ? 1 : a->out_c;
  switch (helium_choose(a->shift, shifts, a->y_zero, a->low, TW_ROUND_DOUBLE)) {
  case HELIUM_UP:
    dense_helium_core(a, work, HELIUM_UP);
    return;
  case HELIUM_SIGNED:
    dense_helium_core(a, work, HELIUM_SIGNED);
    return;
  default:
    dense_helium_core(a, work, HELIUM_LEFT);
  }
}
