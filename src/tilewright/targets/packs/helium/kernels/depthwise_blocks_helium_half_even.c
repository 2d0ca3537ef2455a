#include "depthwise_helium_half_even.h"

void depthwise_blocks_helium_half_even(const void *args, tw_work work) {
  depthwise_blocks_helium_core(args, work, depthwise_helium_choose(args));
}
