/// How depthwise kernels that round as the tflite contract does finish their sums.
#pragma once

#include "depthwise_helium_core.h"

static void depthwise_helium_store_up(const depthwise_helium_sums *s) {
  depthwise_helium_store(s, HELIUM_UP);
}

static void depthwise_helium_store_signed(const depthwise_helium_sums *s) {
  depthwise_helium_store(s, HELIUM_SIGNED);
}

static void depthwise_helium_store_left(const depthwise_helium_sums *s) {
  depthwise_helium_store(s, HELIUM_LEFT);
}

static void depthwise_helium_fused_up(const depthwise_helium_fused_job *job) {
  depthwise_helium_fused(job, 0);
}

static void depthwise_helium_fused_signed(const depthwise_helium_fused_job *job) {
  depthwise_helium_fused(job, 1);
}

static inline depthwise_helium_way depthwise_helium_choose(const depthwise_helium_args *a) {
  switch (helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_DOUBLE)) {
  case HELIUM_UP:
    return (depthwise_helium_way){depthwise_helium_store_up, depthwise_helium_fused_up};
  case HELIUM_SIGNED:
    return (depthwise_helium_way){depthwise_helium_store_signed, depthwise_helium_fused_signed};
  default:
    return (depthwise_helium_way){depthwise_helium_store_left, 0};
  }
}
