#include "depthwise_lanes_helium_core.h"

void depthwise_lanes_helium_double(const void *args, tw_work work) {
  depthwise_lanes_core(args, work, TW_ROUND_DOUBLE);
}
