#include "conv2d_helium_core.h"

static void finish_even(const helium_finish_job *job, int32_t channels) {
  helium_finish_rest(job, 0, channels, HELIUM_EVEN);
}

static void finish_even_wide(const helium_finish_job *job, int32_t channels) {
  helium_finish_rest(job, 0, channels, HELIUM_EVEN_WIDE);
}

void conv2d_helium_half_even(const void *args, tw_work work) {
  const conv2d_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  conv2d_helium_core(a, work, how == HELIUM_EVEN ? finish_even : finish_even_wide);
}
