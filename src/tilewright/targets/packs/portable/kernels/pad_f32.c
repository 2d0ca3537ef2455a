#include <string.h>

#include "pad.h"
#include "pad_core.h"

static void fill(float *y, int32_t count, float value) {
  for (int32_t i = 0; i < count; i++) {
    y[i] = value;
  }
}

void pad_f32(const void *args, tw_work work) {
  const pad_f32_args *const a = args;
  const int32_t out[5] = {a->out0, a->out1, a->out2, a->out3, a->out4};
  const int32_t before[5] = {a->before0, a->before1, a->before2, a->before3, a->before4};
  const int32_t in[5] = {a->in0, a->in1, a->in2, a->in3, a->in4};
  const int32_t after = a->out5 - a->before5 - a->in5;
  const float value = a->value;
  for (int32_t row = work.start; row < work.stop; row++) {
    float *const y = a->y + row * a->out5;
    const int32_t source = pad_source_row(row, out, before, in);
    if (source < 0) {
      fill(y, a->out5, value);
      continue;
    }
    // memmove and this order, because y may share memory with x and lies before it.
    fill(y, a->before5, value);
    memmove(y + a->before5, a->x + source * a->in5, (size_t)a->in5 * sizeof(*y));
    fill(y + a->before5 + a->in5, after, value);
  }
}
