#include "dense_helium_core.h"

static void finish_even(const dense_helium_args *a, int32_t c, int32_t stop, const int32_t *acc,
                        int8_t *y) {
  for (; c < stop; c += 4, acc += 4) {
    dense_helium_store(a, c, acc, y, HELIUM_EVEN);
  }
}

static void finish_even_wide(const dense_helium_args *a, int32_t c, int32_t stop,
                             const int32_t *acc, int8_t *y) {
  for (; c < stop; c += 4, acc += 4) {
    dense_helium_store(a, c, acc, y, HELIUM_EVEN_WIDE);
  }
}

void dense_helium_half_even(const void *args, tw_work work) {
  const dense_helium_args *a = args;
  const int32_t shifts = a->table_step == 0 ? 1 : a->out_c;
  const helium_rescaling how =
      helium_choose(a->shift, shifts, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  dense_helium_core(a, work, how == HELIUM_EVEN ? finish_even : finish_even_wide);
}
