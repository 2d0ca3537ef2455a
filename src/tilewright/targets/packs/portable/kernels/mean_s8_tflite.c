#include "mean_s8_tflite.h"

#include "tw_arithmetic.h"

enum { MEAN_LANES = 64 }; // elements at a time

void mean_s8_tflite(const void *args, tw_work work) {
  const mean_s8_tflite_args *const a = args;
  const int32_t inner = a->kept2, multiplier = a->multiplier, shift = a->shift;
  const int32_t zero = a->y_zero, low = a->low, high = a->high;
  const int32_t centre = a->reduced0 * a->reduced1 * a->x_zero;
  int32_t lanes = 0;
  for (int32_t at = work.start; at < work.stop; at += lanes) {
    const int32_t middle = at / inner % a->kept1, outer = at / inner / a->kept1;
    const int32_t first = at % inner;
    int32_t sum[MEAN_LANES];
    lanes = tw_min(tw_min(inner - first, work.stop - at), MEAN_LANES);
    for (int32_t i = 0; i < lanes; i++) {
      sum[i] = -centre;
    }
    for (int32_t m = 0; m < a->reduced0; m++) {
      const int32_t group = (outer * a->reduced0 + m) * a->kept1 + middle;
      const int8_t *x = a->x + group * a->reduced1 * inner + first;
      for (int32_t n = 0; n < a->reduced1; n++, x += inner) {
        for (int32_t i = 0; i < lanes; i++) {
          sum[i] += x[i];
        }
      }
    }
    int8_t *const y = a->y + at;
    for (int32_t i = 0; i < lanes; i++) {
      const int32_t scaled = tw_rescale(sum[i], multiplier, shift, TW_ROUND_DOUBLE);
      y[i] = (int8_t)tw_clip(scaled + zero, low, high);
    }
  }
}
