#include "table_softmax_s8_core.h"

void table_softmax_s8_half_up(const void *args, tw_work work) {
  table_softmax_s8_core(args, work, TW_ROUND_HALF_UP);
}
