#include "dense_helium_core.h"

static void finish_up(const dense_helium_args *a, int32_t c, int32_t stop, const int32_t *acc,
                      int8_t *y) {
  for (; c < stop; c += 4, acc += 4) {
    dense_helium_store(a, c, acc, y, HELIUM_UP);
  }
}

static void finish_left(const dense_helium_args *a, int32_t c, int32_t stop, const int32_t *acc,
                        int8_t *y) {
  for (; c < stop; c += 4, acc += 4) {
    dense_helium_store(a, c, acc, y, HELIUM_LEFT);
  }
}

void dense_helium_double(const void *args, tw_work work) {
  const dense_helium_args *a = args;
  const int32_t shifts = a->table_step == 0 ? 1 : a->out_c;
  const helium_rescaling how = helium_choose(a->shift, shifts, a->y_zero, a->low, TW_ROUND_DOUBLE);
  dense_helium_core(a, work, how == HELIUM_UP ? finish_up : finish_left);
}
