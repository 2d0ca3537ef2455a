#include "conv2d_helium_core.h"

static void strip_up(void *call, const int8_t *x, int32_t step, int32_t pixels, int8_t *y) {
  conv2d_helium_run(call, x, step, pixels, y, HELIUM_UP);
}

static void strip_signed(void *call, const int8_t *x, int32_t step, int32_t pixels, int8_t *y) {
  conv2d_helium_run(call, x, step, pixels, y, HELIUM_SIGNED);
}

static void strip_left(void *call, const int8_t *x, int32_t step, int32_t pixels, int8_t *y) {
  conv2d_helium_run(call, x, step, pixels, y, HELIUM_LEFT);
}

void conv2d_helium_double(const void *args, tw_span work) {
  const conv2d_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_DOUBLE);
  conv2d_helium_strip *const strip = how == HELIUM_UP       ? strip_up
                                     : how == HELIUM_SIGNED ? strip_signed
                                                            : strip_left;
  conv2d_helium_core(a, work, strip);
}
