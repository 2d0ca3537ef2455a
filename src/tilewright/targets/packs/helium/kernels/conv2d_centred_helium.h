/// Pixels of convolutions whose weights have a zero point: what it takes off is the same for all
/// channels of a pixel.
#pragma once

#include "conv2d_helium_core.h"
#include "row_sum_helium.h"

/// Adds `first` and `second` to the sums of two pixels.
static inline void conv2d_helium_shift(int32_t *sums, int32_t channels, int32_t first,
                                       int32_t second) {
  const int32_t pairs[] = {first, second, first, second};
  const int32x4_t both = vldrwq_s32(pairs);
  for (int32_t c = 0; c < channels; c += 2, sums += 4) {
    vstrwq_s32(sums, vaddq_s32(vldrwq_s32(sums), both));
  }
}

/// conv2d_helium_run for weights that have a zero point.
static void conv2d_helium_run_centred(void *whole, const int8_t *x, int32_t step, int32_t pixels,
                                      int8_t *y) {
  conv2d_helium_call *const call = whole;
  const int32_t length = call->dot.length, channels = call->channels;
  for (int32_t left = pixels; left > 0; left -= 2, x += 2 * step, y += 2 * channels) {
    const int8_t *next = x + (left > 1) * step;
    conv2d_helium_shift(call->job.acc, channels, -call->w_zero * helium_row_sum(x, length),
                        -call->w_zero * helium_row_sum(next, length));
    conv2d_helium_run(call, x, step, tw_min(left, 2), y);
  }
}
