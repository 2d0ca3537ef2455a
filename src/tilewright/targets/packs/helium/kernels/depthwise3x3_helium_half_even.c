#include "depthwise3x3_helium_core.h"

static void pixels_even(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_EVEN);
}

static void pixels_even_wide(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_EVEN_WIDE);
}

void depthwise3x3_helium_half_even(const void *args, tw_work work) {
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  depthwise3x3_helium_core(a, work, how == HELIUM_EVEN ? pixels_even : pixels_even_wide);
}
