#include "depthwise_s8_core.h"

void depthwise_s8_half_even(const void *args, tw_work work) {
  depthwise_s8_core(args, work, TW_ROUND_HALF_EVEN);
}
