#include "depthwise3x3_helium_core.h"

static void quick_1(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low, (void)high;
  depthwise3x3_helium_quick(job, WINDOW_ROWS, HELIUM_SIGNED);
}

static void quick_2(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low, (void)high;
  depthwise3x3_helium_quick(job, 2 * WINDOW_ROWS, HELIUM_SIGNED);
}

static void pixels_left(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_LEFT);
}

void depthwise3x3_helium_double_signed(const void *args, tw_work work) {
  static depthwise3x3_helium_pixels *const quick[2] = {quick_1, quick_2};
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_DOUBLE);
  depthwise3x3_helium_core(a, work, how == HELIUM_SIGNED ? quick : 0, pixels_left);
}
