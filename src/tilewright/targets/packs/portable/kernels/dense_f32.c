#include "dense_f32.h"

#include "products_f32.h"

void dense_f32(const void *args, tw_work work) {
  const dense_f32_args *const a = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *w = a->w;
    for (int32_t first = 0; first < a->outputs; first += F32_LANES) {
      float sum[F32_LANES] = {0.0F};
      accumulate_f32(sum, a->x + row * a->depth, 1, w, a->depth);
      finish_f32(a->y + row * a->outputs + first, sum, a->bias + first,
                 tw_min(F32_LANES, a->outputs - first), a->low, a->high);
      w += a->depth * F32_LANES;
    }
  }
}
