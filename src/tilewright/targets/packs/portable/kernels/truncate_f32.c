#include "convert.h"

#include <math.h>

static int32_t truncated(float x) {
  if (isnan(x)) {
    return 0;
  }
  return x >= 2147483648.0F ? INT32_MAX : x <= -2147483648.0F ? INT32_MIN : (int32_t)x;
}

void truncate_f32(const void *args, tw_work work) {
  const truncate_f32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    k->y[i] = truncated(k->x[i]);
  }
}
