#include "rescaled_mean_s8_core.h"

void rescaled_mean_s8_half_even(const void *args, tw_work work) {
  rescaled_mean_s8_core(args, work, TW_ROUND_HALF_EVEN);
}
