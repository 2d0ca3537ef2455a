/// How depthwise kernels that round as the onnx contract does finish their sums.
#pragma once

#include "depthwise_helium_core.h"

static void depthwise_helium_store_even(const depthwise_helium_sums *s) {
  depthwise_helium_store(s, HELIUM_EVEN);
}

static void depthwise_helium_store_wide(const depthwise_helium_sums *s) {
  depthwise_helium_store(s, HELIUM_EVEN_WIDE);
}

static inline depthwise_helium_way depthwise_helium_choose(const depthwise_helium_args *a) {
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_HALF_EVEN);
  return (depthwise_helium_way){
      how == HELIUM_EVEN ? depthwise_helium_store_even : depthwise_helium_store_wide, 0};
}
