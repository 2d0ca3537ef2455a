/// How convolutions that round as the onnx contract does finish their sums.
#pragma once

#include "conv2d_helium_core.h"

static void finish_even(const helium_finish_job *job, int32_t channels) {
  helium_finish_rest(job, 0, channels, HELIUM_EVEN);
}

static void finish_even_wide(const helium_finish_job *job, int32_t channels) {
  helium_finish_rest(job, 0, channels, HELIUM_EVEN_WIDE);
}

static inline conv2d_helium_finish *conv2d_helium_choose(const conv2d_helium_args *a) {
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  return how == HELIUM_EVEN ? finish_even : finish_even_wide;
}
