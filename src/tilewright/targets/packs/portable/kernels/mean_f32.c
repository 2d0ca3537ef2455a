#include "mean_f32.h"

#include "tw_arithmetic.h"

enum { LANES = 16 }; // means at a time

void mean_f32(const void *args, tw_work work) {
  const mean_f32_args *const a = args;
  const int32_t inner = a->reduced1 * a->kept2;
  const float divisor = (float)(a->reduced0 * a->reduced1);
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t outer = row / a->kept1 * a->reduced0 * a->kept1 + row % a->kept1;
    for (int32_t first = 0; first < a->kept2; first += LANES) {
      const int32_t count = tw_min(LANES, a->kept2 - first);
      float sum[LANES] = {0.0F};
      for (int32_t i = 0; i < a->reduced0; i++) {
        const float *const part = a->x + (outer + i * a->kept1) * inner + first;
        for (int32_t j = 0; j < a->reduced1; j++) {
          for (int32_t c = 0; c < count; c++) {
            sum[c] += part[j * a->kept2 + c];
          }
        }
      }
      for (int32_t c = 0; c < count; c++) {
        a->y[row * a->kept2 + first + c] = sum[c] / divisor;
      }
    }
  }
}
