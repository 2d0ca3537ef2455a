#include "mean_s8_dsp_core.h"

void mean_s8_dsp_double(const void *args, tw_work work) {
  mean_s8_dsp_core(args, work, TW_ROUND_DOUBLE);
}
