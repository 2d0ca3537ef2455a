#include "depthwise_lanes_helium_core.h"

void depthwise_lanes_helium_half_even(const void *args, tw_work work) {
  depthwise_lanes_core(args, work, TW_ROUND_HALF_EVEN);
}
