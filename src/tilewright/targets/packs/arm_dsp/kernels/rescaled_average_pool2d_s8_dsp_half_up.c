#include "rescaled_average_pool2d_s8_dsp_core.h"

void rescaled_average_pool2d_s8_dsp_half_up(const void *args, tw_work work) {
  rescaled_average_pool2d_s8_dsp_core(args, work, TW_ROUND_HALF_UP);
}
