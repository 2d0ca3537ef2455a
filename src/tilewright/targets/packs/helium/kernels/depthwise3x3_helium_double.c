#include "depthwise3x3_helium_core.h"

static void pixels_up(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_pixels_up(job, low, high);
}

static void pixels_signed(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_SIGNED);
}

static void pixels_left(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_LEFT);
}

void depthwise3x3_helium_double(const void *args, tw_span work) {
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_DOUBLE);
  depthwise3x3_helium_pixels *const compute = how == HELIUM_UP       ? pixels_up
                                              : how == HELIUM_SIGNED ? pixels_signed
                                                                     : pixels_left;
  depthwise3x3_helium_core(a, work, compute);
}
