#include "depthwise3x3_helium_core.h"

void depthwise3x3_helium_double(const void *args, tw_span work) {
  const depthwise3x3_helium_args *a = args;
  switch (helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_DOUBLE)) {
  case HELIUM_UP:
    depthwise3x3_helium_core(a, work, HELIUM_UP);
    return;
  case HELIUM_SIGNED:
    depthwise3x3_helium_core(a, work, HELIUM_SIGNED);
    return;
  default:
    depthwise3x3_helium_core(a, work, HELIUM_LEFT);
  }
}
