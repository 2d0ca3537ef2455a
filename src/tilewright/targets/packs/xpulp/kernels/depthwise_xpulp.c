#include "depthwise_xpulp_core.h"

void depthwise_xpulp_double(const void *args, tw_work work) {
  depthwise_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void depthwise_xpulp_half_even(const void *args, tw_work work) {
  depthwise_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void depthwise_xpulp_half_up(const void *args, tw_work work) {
  depthwise_xpulp_core(args, work, TW_ROUND_HALF_UP);
}
