#include "depthwise3x3_helium_core.h"

static void quick_1(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low, (void)high;
  depthwise3x3_helium_quick(job, WINDOW_ROWS, HELIUM_EVEN);
}

static void quick_2(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low, (void)high;
  depthwise3x3_helium_quick(job, 2 * WINDOW_ROWS, HELIUM_EVEN);
}

static void pixels_even(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_EVEN);
}

static void pixels_even_wide(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_EVEN_WIDE);
}

void depthwise3x3_helium_half_even(const void *args, tw_work work) {
  static depthwise3x3_helium_pixels *const quick[2] = {quick_1, quick_2};
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  const int32_t is_narrow = how == HELIUM_EVEN;
  depthwise3x3_helium_core(a, work, is_narrow ? quick : 0,
                           is_narrow ? pixels_even : pixels_even_wide);
}
