#include "depthwise_s8_planes_core.h"

void depthwise_s8_planes_half_up(const void *args, tw_work work) {
  depthwise_s8_planes_core(args, work, TW_ROUND_HALF_UP);
}
