#include "depthwise3x3_helium_core.h"

void depthwise3x3_helium_half_even(const void *args, tw_span work) {
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  if (how == HELIUM_EVEN) {
    depthwise3x3_helium_core(a, work, HELIUM_EVEN);
  } else {
    depthwise3x3_helium_core(a, work, HELIUM_EVEN_WIDE);
  }
}
