#include "wide.h"
#include "wide_elements.h"

void wide_rescale(const void *args, tw_work work) {
  const wide_rescale_args *const a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t centred = wide_load(a->x, a->x_bytes, i) - a->x_zero;
    const int32_t scaled = tw_rescale(centred, a->multiplier, a->shift, TW_ROUND_DOUBLE);
    wide_store(a->y, a->y_bytes, i, wide_finish(scaled, a->y_zero, a->low, a->high));
  }
}
