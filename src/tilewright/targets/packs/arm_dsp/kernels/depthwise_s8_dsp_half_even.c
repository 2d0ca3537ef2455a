#include "depthwise_s8_dsp_core.h"

void depthwise_s8_dsp_half_even(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_EVEN);
}
