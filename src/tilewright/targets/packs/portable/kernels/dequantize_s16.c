#include "border_s16.h"

void dequantize_s16(const void *args, tw_work work) {
  const dequantize_s16_args *const a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    a->y[i] = (float)(a->x[i] - a->zero_point) * a->scale;
  }
}
