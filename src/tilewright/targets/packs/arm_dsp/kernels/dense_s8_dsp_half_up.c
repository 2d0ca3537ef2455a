#include "dense_s8_dsp_core.h"

void dense_s8_dsp_half_up(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_HALF_UP);
}
