/// How convolutions that round as the tflite contract does finish their sums.
#pragma once

#include "conv2d_helium_core.h"

__attribute__((noinline)) static void finish_from(const helium_finish_job *job, int32_t c,
                                                  int32_t channels) {
  helium_finish_rest(job, c, channels, HELIUM_LEFT);
}

static void finish_left(const helium_finish_job *job, int32_t channels) {
  finish_from(job, 0, channels);
}

static void finish_up(const helium_finish_job *job, int32_t channels) {
  if (job->groups > 0) {
    helium_finish_up(job);
  }
  if (channels & 3) {
    finish_from(job, channels & ~3, channels);
  }
}

static void finish_signed(const helium_finish_job *job, int32_t channels) {
  if (job->groups > 0) {
    helium_finish_signed(job);
  }
  if (channels & 3) {
    finish_from(job, channels & ~3, channels);
  }
}

static inline conv2d_helium_finish *conv2d_helium_choose(const conv2d_helium_args *a) {
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_DOUBLE);
  return how == HELIUM_UP ? finish_up : how == HELIUM_SIGNED ? finish_signed : finish_left;
}
