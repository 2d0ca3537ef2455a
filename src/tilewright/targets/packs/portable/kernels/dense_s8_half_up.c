#include "dense_s8_core.h"

void dense_s8_half_up(const void *args, tw_work work) {
  dense_s8_core(args, work, TW_ROUND_HALF_UP);
}
