#include "depthwise3x3_helium_core.h"

static void pixels_step_1(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low;
  (void)high;
  depthwise3x3_helium_up(job, WINDOW_ROWS);
}

static void pixels_step_2(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  (void)low;
  (void)high;
  depthwise3x3_helium_up(job, 2 * WINDOW_ROWS);
}

static void pixels_left(depthwise3x3_helium_job *job, int32_t low, int32_t high) {
  depthwise3x3_helium_any(job, low, high, HELIUM_LEFT);
}

void depthwise3x3_helium_double(const void *args, tw_work work) {
  const depthwise3x3_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->channels, a->y_zero, a->low, TW_ROUND_DOUBLE);
  depthwise3x3_helium_pixels *compute = pixels_left;
  if (how == HELIUM_UP && a->low == INT8_MIN && a->high == INT8_MAX && a->stride_w <= 2) {
    compute = a->stride_w == 1 ? pixels_step_1 : pixels_step_2;
  }
  depthwise3x3_helium_core(a, work, compute);
}
