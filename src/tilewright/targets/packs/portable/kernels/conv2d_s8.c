#include "conv2d_s8_core.h"

void conv2d_s8_double(const void *args, tw_work work) {
  conv2d_s8_core(args, work, DOT_PATCHES, TW_ROUND_DOUBLE);
}

void conv2d_s8_half_even(const void *args, tw_work work) {
  conv2d_s8_core(args, work, DOT_PATCHES, TW_ROUND_HALF_EVEN);
}

void conv2d_s8_half_up(const void *args, tw_work work) {
  conv2d_s8_core(args, work, DOT_PATCHES, TW_ROUND_HALF_UP);
}

void conv2d_s8_narrow_double(const void *args, tw_work work) {
  conv2d_s8_core(args, work, 1, TW_ROUND_DOUBLE);
}

void conv2d_s8_narrow_half_even(const void *args, tw_work work) {
  conv2d_s8_core(args, work, 1, TW_ROUND_HALF_EVEN);
}

void conv2d_s8_narrow_half_up(const void *args, tw_work work) {
  conv2d_s8_core(args, work, 1, TW_ROUND_HALF_UP);
}
