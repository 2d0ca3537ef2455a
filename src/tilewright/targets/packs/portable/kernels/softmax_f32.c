#include "softmax_f32.h"

#include <math.h>

void softmax_f32(const void *args, tw_work work) {
  const softmax_f32_args *const a = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = a->x + row * a->columns;
    float *const y = a->y + row * a->columns;
    float largest = a->beta * x[0];
    for (int32_t i = 1; i < a->columns; i++) {
      const float scaled = a->beta * x[i];
      largest = scaled > largest ? scaled : largest;
    }
    float sum = 0.0F;
    for (int32_t i = 0; i < a->columns; i++) {
      sum += expf(a->beta * x[i] - largest);
    }
    // exp again rather than y as working memory: x may share memory with y.
    for (int32_t i = 0; i < a->columns; i++) {
      y[i] = expf(a->beta * x[i] - largest) / sum;
    }
  }
}
