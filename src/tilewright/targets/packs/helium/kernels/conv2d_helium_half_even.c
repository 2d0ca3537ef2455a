#include "conv2d_helium_core.h"

void conv2d_helium_half_even(const void *args, tw_span work) {
  const conv2d_helium_args *a = args;
  if (helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN) == HELIUM_EVEN) {
    conv2d_helium_pixels(a, work, HELIUM_EVEN);
  } else {
    conv2d_helium_pixels(a, work, HELIUM_EVEN_WIDE);
  }
}
