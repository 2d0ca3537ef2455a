#include "conv2d_helium_core.h"

static void strip_even(void *call, const int8_t *x, int32_t step, int32_t pixels, int8_t *y) {
  conv2d_helium_run(call, x, step, pixels, y, HELIUM_EVEN);
}

static void strip_even_wide(void *call, const int8_t *x, int32_t step, int32_t pixels, int8_t *y) {
  conv2d_helium_run(call, x, step, pixels, y, HELIUM_EVEN_WIDE);
}

void conv2d_helium_half_even(const void *args, tw_span work) {
  const conv2d_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  conv2d_helium_core(a, work, how == HELIUM_EVEN ? strip_even : strip_even_wide);
}
