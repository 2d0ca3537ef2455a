#include "mul_s8_dsp_core.h"

void mul_s8_dsp_double(const void *args, tw_work work) {
  mul_s8_dsp_core(args, work, TW_ROUND_DOUBLE);
}
