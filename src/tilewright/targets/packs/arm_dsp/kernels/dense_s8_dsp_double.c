#include "dense_s8_dsp_core.h"

void dense_s8_dsp_double(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_DOUBLE);
}
