#include "conv2d_helium_core.h"

void conv2d_helium_double(const void *args, tw_span work) {
  const conv2d_helium_args *a = args;
  switch (helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_DOUBLE)) {
  case HELIUM_UP:
    conv2d_helium_pixels(a, work, HELIUM_UP);
    return;
  case HELIUM_SIGNED:
    conv2d_helium_pixels(a, work, HELIUM_SIGNED);
    return;
  default:
    conv2d_helium_pixels(a, work, HELIUM_LEFT);
  }
}
