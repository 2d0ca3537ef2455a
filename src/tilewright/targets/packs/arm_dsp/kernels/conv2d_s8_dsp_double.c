#include "conv2d_s8_dsp_core.h"

void conv2d_s8_dsp_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 0);
}
