#include "conv2d_s8_core.h"

void conv2d_s8_narrow_half_up(const void *args, tw_work work) {
  conv2d_s8_core(args, work, 1, TW_ROUND_HALF_UP);
}
