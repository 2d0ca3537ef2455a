#include "rescaled_add_s8_core.h"

void rescaled_add_s8_half_up(const void *args, tw_work work) {
  rescaled_add_s8_core(args, work, TW_ROUND_HALF_UP);
}
