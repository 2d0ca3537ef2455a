#include "rescale_sums_s8_core.h"

void rescale_sums_s8_half_even(const void *args, tw_work work) {
  rescale_sums_s8_core(args, work, TW_ROUND_HALF_EVEN);
}
