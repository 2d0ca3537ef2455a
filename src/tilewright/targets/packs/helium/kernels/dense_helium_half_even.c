#include "dense_helium_core.h"

void dense_helium_half_even(const void *args, tw_span work) {
  const dense_helium_args *a = args;
  const int32_t shifts = a->table_step == 0 ? 1 : a->out_c;
  const helium_rescaling how =
      helium_choose(a->shift, shifts, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  if (how == HELIUM_EVEN) {
    dense_helium_core(a, work, HELIUM_EVEN);
  } else {
    dense_helium_core(a, work, HELIUM_EVEN_WIDE);
  }
}
