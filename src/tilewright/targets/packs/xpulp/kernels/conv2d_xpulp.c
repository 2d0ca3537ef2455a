#include "conv2d_xpulp_core.h"

void conv2d_xpulp_double(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void conv2d_xpulp_half_even(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void conv2d_xpulp_half_up(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_HALF_UP);
}

void conv2d_any_xpulp_double(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void conv2d_any_xpulp_half_even(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void conv2d_any_xpulp_half_up(const void *args, tw_work work) {
  conv2d_xpulp_core(args, work, TW_ROUND_HALF_UP);
}
