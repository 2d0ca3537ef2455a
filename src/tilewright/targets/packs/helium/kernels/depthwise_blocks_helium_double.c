#include "depthwise_helium_double.h"

void depthwise_blocks_helium_double(const void *args, tw_work work) {
  depthwise_blocks_helium_core(args, work, depthwise_helium_choose(args));
}
