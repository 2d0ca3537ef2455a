#include "rescale_sums_s8_core.h"

void rescale_sums_s8_double(const void *args, tw_work work) {
  rescale_sums_s8_core(args, work, TW_ROUND_DOUBLE);
}
