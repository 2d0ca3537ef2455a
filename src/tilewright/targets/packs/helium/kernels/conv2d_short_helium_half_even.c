#include "conv2d_short_helium_core.h"

static void even_16(conv2d_short_helium_job *job) { conv2d_short_helium_dot(job, 0, HELIUM_EVEN); }

static void even_32(conv2d_short_helium_job *job) { conv2d_short_helium_dot(job, 1, HELIUM_EVEN); }

static void last_even(const conv2d_helium_args *a, int32_t c, int32x4_t sums, int8_t *y) {
  conv2d_short_helium_store(a, c, sums, y, HELIUM_EVEN);
}

static void last_even_wide(const conv2d_helium_args *a, int32_t c, int32x4_t sums, int8_t *y) {
  conv2d_short_helium_store(a, c, sums, y, HELIUM_EVEN_WIDE);
}

void conv2d_short_helium_half_even(const void *args, tw_work work) {
  static conv2d_short_helium_fast *const fast[2] = {even_16, even_32}, *const none[2] = {0};
  const conv2d_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  if (how == HELIUM_EVEN) {
    conv2d_short_helium_core(a, work, fast, last_even);
  } else {
    conv2d_short_helium_core(a, work, none, last_even_wide);
  }
}
