/// Input rows, transposed for depthwise convolution: one plane per channel, in which the bytes of
/// kernel_h rows alternate, so that the elements of a window are neighbours.
#pragma once

#include <arm_mve.h>

#include "depthwise_helium.h"
#include "fill_helium.h"
#include "tw_arithmetic.h"

enum { DEPTHWISE_EIGHT = 8 };

/// How a row spreads over planes: element i of `count` goes to lane[i]; then `pixels` are done.
typedef struct {
  uint16_t lane[DEPTHWISE_EIGHT];
  int32_t pixels;
  int32_t is_wide; // planes are too large for 16-bit lanes
} depthwise_helium_spread;

/// Several pixels at once where a row has less than eight channels. `channels` of in_c are spread.
static inline depthwise_helium_spread depthwise_helium_lanes(const depthwise_helium_args *a,
                                                             int32_t channels) {
  const int32_t is_run = channels == a->in_c && channels < DEPTHWISE_EIGHT;
  const int32_t along = is_run ? channels : DEPTHWISE_EIGHT;
  depthwise_helium_spread spread = {.pixels = DEPTHWISE_EIGHT / along,
                                    .is_wide = DEPTHWISE_EIGHT * a->plane > UINT16_MAX};
  for (int32_t i = 0; i < DEPTHWISE_EIGHT; i++) {
    spread.lane[i] = (uint16_t)(i % along * a->plane + i / along * a->kernel_h);
  }
  return spread;
}

/// to[lane[i] + to_step * k] = x[i + next * k] for `count` i of eight, `times` k. `is_part` is a
/// constant: whether count is less than eight.
__attribute__((always_inline)) static inline void
depthwise_helium_eight(const int8_t *x, int32_t next, int32_t count, int32_t times, uint16x8_t lane,
                       int8_t *to, int32_t to_step, int32_t is_part) {
  __asm__ volatile("vctp.16 %[count]\n\t"
                   "wls lr, %[times], 2f\n"
                   "1:\n\t"
                   ".if %c[is_part]\n\t"
                   "vpstt; vldrbt.u16 q0, [%[x]]; vstrbt.16 q0, [%[to], %q[lane]]\n\t"
                   ".else\n\t"
                   "vldrb.u16 q0, [%[x]]; vstrb.16 q0, [%[to], %q[lane]]\n\t"
                   ".endif\n\t"
                   "add %[x], %[next]; add %[to], %[to_step]\n\t"
                   "le lr, 1b\n"
                   "2:"
                   : [x] "+r"(x), [to] "+r"(to)
                   : [next] "r"(next), [count] "r"(count), [times] "r"(times), [lane] "w"(lane),
                     [to_step] "r"(to_step), [is_part] "i"(is_part)
                   : "lr", "q0", "cc", "memory");
}

/// The same for planes of any size, four channels of one pixel at a time.
static inline void depthwise_helium_wide(const int8_t *x, int32_t next, int32_t channels,
                                         int32_t columns, int32_t plane, int8_t *to,
                                         int32_t to_step) {
  const uint32x4_t lane = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)plane);
  for (int32_t c = 0; c < channels; c += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
    for (int32_t i = 0; i < columns; i++) {
      const int32x4_t four = vldrbq_z_s32(x + i * next + (next ? c : 0), lanes);
      vstrbq_scatter_offset_p_s32(to + c * plane + i * to_step, lane, four, lanes);
    }
  }
}

/// Transposes `channels` channels from `first` on of row `row` of an image into `slot` of `planes`;
/// the columns of padding at its sides are not written.
static inline void depthwise_helium_row(const depthwise_helium_args *a,
                                        const depthwise_helium_spread *spread, const int8_t *image,
                                        int32_t first, int32_t channels, int32_t row, int32_t slot,
                                        int8_t *planes) {
  int8_t padding[DEPTHWISE_EIGHT];
  const int32_t is_inside = row >= 0 && row < a->in_h;
  const int8_t *x = is_inside ? image + row * a->in_w * a->in_c + first : padding;
  int8_t *to = planes + a->pad_left * a->kernel_h + slot;
  helium_fill(padding, a->x_zero, DEPTHWISE_EIGHT);
  if (spread->is_wide) {
    depthwise_helium_wide(x, is_inside ? a->in_c : 0, channels, a->columns, a->plane, to,
                          a->kernel_h);
    return;
  }
  const uint16x8_t lane = vldrhq_u16(spread->lane);
  const int32_t pixels = spread->pixels, to_step = pixels * a->kernel_h;
  const int32_t next = is_inside ? pixels * a->in_c : 0;
  const int32_t times = a->columns / pixels, rest = a->columns % pixels;
  for (int32_t c = 0; c < channels; c += DEPTHWISE_EIGHT) {
    const int32_t count = tw_min(DEPTHWISE_EIGHT, pixels * (channels - c));
    if (count == DEPTHWISE_EIGHT) {
      depthwise_helium_eight(x, next, count, times, lane, to, to_step, 0);
    } else {
      depthwise_helium_eight(x, next, count, times, lane, to, to_step, 1);
    }
    if (rest > 0) { // only where eight elements are several pixels
      depthwise_helium_eight(x + times * next, 0, rest * channels, 1, lane, to + times * to_step, 0,
                             1);
    }
    x += is_inside ? DEPTHWISE_EIGHT : 0;
    to += DEPTHWISE_EIGHT * a->plane;
  }
}
