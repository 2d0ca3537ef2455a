#include "quick_loops.h"

#include "max_pool2d_s8_dsp.h"

#include "dsp_window.h"

DSP_SHARED uint32_t largest_of(const dsp_window *w, int32_t channel) {
  const int8_t *row = w->x + channel;
  const int32_t step = w->column_step;
  uint32_t largest = 0x80808080;
  for (int32_t i = w->rows; i > 0; i--, row += w->row_step) {
    const int8_t *x = row;
    int32_t j = w->columns;
    do {
      largest = dsp_larger(dsp_load(x), largest);
      x += step;
    } while (--j > 0);
  }
  return largest;
}

void max_pool2d_s8_dsp(const void *args, tw_work work) {
  const max_pool2d_s8_dsp_args *const a = args;
  const dsp_pooling *const pooling = dsp_pooling_at(args, offsetof(max_pool2d_s8_dsp_args, in_h));
  const int32_t channels = a->channels;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const dsp_window window = dsp_window_at(a->x, pooling, pixel);
    int8_t *const y = a->y + pixel * channels;
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
      dsp_store(y + c, largest_of(&window, c));
    }
    if (c < channels) { // the last four once more, of which only new ones are written
      uint32_t largest = largest_of(&window, channels - 4) >> (8 * (c - channels + 4));
      for (; c < channels; c++, largest >>= 8) {
        y[c] = (int8_t)(uint8_t)largest;
      }
    }
  }
}
