/// Depthwise convolution with any window as dot products over the window.
///
/// As many input rows as a window has are kept transposed (depthwise_helium_rows.h). A new row
/// takes the place of the oldest, so every element is transposed once; the weights follow by a
/// gather that starts at the oldest row. Rows that are apart, and windows of more than 256
/// elements, are gathered anew for every output row instead.
///
/// A row's windows are gathered before its first output is written, and earlier rows are never
/// read again unless all are, so output may follow input closely in the same memory.
#pragma once

#include "depthwise_helium_dot.h"
#include "depthwise_helium_fused.h"
#include "depthwise_helium_rows.h"
#include "helium_rescale.h"

/// Sums of some pixels and what makes int8 of them, for at most four channels.
typedef struct {
  const int32_t *acc; // [pixels][4]
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int8_t *y;
  int32_t pixels, next; // bytes from pixel to pixel
  int32_t channels;
  int32_t zero, low, high;
} depthwise_helium_sums;

typedef void depthwise_helium_finish(const depthwise_helium_sums *s);

/// A depthwise_helium_finish, but for the rounding, which must be a constant.
__attribute__((always_inline)) static inline void
depthwise_helium_store(const depthwise_helium_sums *s, helium_rescaling how) {
  const mve_pred16_t lanes = vctp32q((uint32_t)s->channels);
  const int32x4_t bias = vldrwq_s32(s->bias), multiplier = vldrwq_s32(s->multiplier);
  const int32x4_t shift = vldrbq_s32(s->shift);
  const int32x4_t low = vdupq_n_s32(s->low), high = vdupq_n_s32(s->high);
  const int32_t next = s->next, zero = s->zero;
  const int32_t *acc = s->acc;
  int8_t *y = s->y;
  for (int32_t i = s->pixels; i > 0; i--, acc += 4, y += next) {
    const int32x4_t sum = vaddq_s32(vldrwq_s32(acc), bias);
    const int32x4_t y4 = vaddq_n_s32(helium_rescale(sum, multiplier, shift, how), zero);
    vstrbq_p_s32(y, vminq_s32(vmaxq_s32(y4, low), high), lanes);
  }
}

/// How sums become int8. `fused`, where it is not null, does it all for windows of one vector and
/// weights without zero point.
typedef struct {
  depthwise_helium_finish *finish;
  depthwise_helium_fuse *fused;
} depthwise_helium_way;

/// What stays the same from row to row: some channels of the input, and where scratch has what.
typedef struct {
  const depthwise_helium_args *args;
  depthwise_helium_way way;
  int32_t first, channels; // of the input
  int32_t vectors;         // of a window
  depthwise_helium_spread spread;
  int32_t *acc, *window_sums; // [at_once][4]; the second only where weights have a zero point
  int8_t *w, *ones;           // [vectors][4][16]; the second as before
  uint8_t *slot, *index;      // [vectors][16]: slot of each element; where its weight lies
  int8_t *planes;             // [channels][plane]
} depthwise_helium_call;

static inline depthwise_helium_call depthwise_helium_start(const depthwise_helium_args *a,
                                                           int32_t channels, int8_t *scratch,
                                                           depthwise_helium_way way) {
  depthwise_helium_call call = {.args = a,
                                .way = way,
                                .channels = channels,
                                .vectors = (a->taps + 15) / 16,
                                .spread = depthwise_helium_lanes(a, channels)};
  const int32_t sums = 16 * a->at_once, weights = 64 * call.vectors, parts = a->w_zero ? 2 : 1;
  call.acc = (int32_t *)(void *)scratch;
  call.window_sums = call.acc + 4 * a->at_once;
  call.w = scratch + parts * sums;
  call.ones = call.w + weights;
  call.slot = (uint8_t *)call.w + parts * weights;
  call.index = call.slot + 16 * call.vectors;
  call.planes = (int8_t *)call.index + 16 * call.vectors;
  for (int32_t i = 0; i < 16 * call.vectors; i++) {
    call.slot[i] = (uint8_t)(i % a->kernel_h);
  }
  for (int32_t i = 0; a->w_zero && i < call.vectors; i++) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(a->taps - 16 * i));
    for (int32_t j = 0; j < 4; j++) {
      const int8x16_t ones = vdupq_n_s8(1);
      vstrbq_s8(call.ones + (4 * i + j) * 16,
                call.vectors == 1 ? ones : vpselq_s8(ones, vdupq_n_s8(0), lanes));
    }
  }
  return call;
}

/// Where each element of a window finds its weight when its rows start at slot `oldest`.
static inline void depthwise_helium_turn(const depthwise_helium_call *call, int32_t oldest) {
  const uint8_t rows = (uint8_t)call->args->kernel_h;
  for (int32_t i = 0; i < call->vectors; i++) {
    const uint8x16_t slot = vldrbq_u8(call->slot + 16 * i);
    const uint8x16_t at = vaddq_n_u8(vidupq_n_u8(0, 1), (uint8_t)(16 * i - oldest));
    const mve_pred16_t is_newer = vcmphiq_u8(vdupq_n_u8((uint8_t)oldest), slot);
    vstrbq_u8(call->index + 16 * i, vaddq_m_n_u8(at, at, rows, is_newer));
  }
}

/// Weights of output channels o to o + 3 in the order of the window's elements.
static inline void depthwise_helium_weights(const depthwise_helium_call *call, int32_t o) {
  const depthwise_helium_args *const a = call->args;
  const int32_t taps = a->taps, turns = a->turns;
  const int8_t *w = a->w + o * taps;
  const uint8_t *index = call->index;
  int8_t *to = call->w;
  for (int32_t left = taps; left > 0; left -= 16, index += 16, to += 64) {
    const mve_pred16_t lanes = vctp8q((uint32_t)left);
    if (turns) {
      const uint8x16_t at = vldrbq_u8(index);
      vstrbq_s8(to, vldrbq_gather_offset_z_s8(w, at, lanes));
      vstrbq_s8(to + 16, vldrbq_gather_offset_z_s8(w + taps, at, lanes));
      vstrbq_s8(to + 32, vldrbq_gather_offset_z_s8(w + 2 * taps, at, lanes));
      vstrbq_s8(to + 48, vldrbq_gather_offset_z_s8(w + 3 * taps, at, lanes));
    } else {
      vstrbq_s8(to, vldrbq_z_s8(w, lanes));
      vstrbq_s8(to + 16, vldrbq_z_s8(w + taps, lanes));
      vstrbq_s8(to + 32, vldrbq_z_s8(w + 2 * taps, lanes));
      vstrbq_s8(to + 48, vldrbq_z_s8(w + 3 * taps, lanes));
      w += 16;
    }
  }
}

/// The windows of a pixel for output channels o to o + 3; `x` is that of the first plane.
static inline void depthwise_helium_windows(const depthwise_helium_call *call, int32_t o,
                                            const int8_t *x, const int8_t *windows[4]) {
  const depthwise_helium_args *const a = call->args;
  const int32_t plane = a->plane;
  if (a->multiple == 1) {
    windows[0] = x + (o - call->first) * plane;
    windows[1] = windows[0] + plane;
    windows[2] = windows[1] + plane;
    windows[3] = windows[2] + plane;
    return;
  }
  for (int32_t j = 0; j < 4; j++) {
    windows[j] = x + ((o + j) / a->multiple - call->first) * plane;
  }
}

/// `pixels` pixels of four channels, whose windows start at job->x, to sums->y.
static inline void depthwise_helium_some(const depthwise_helium_call *call,
                                         depthwise_helium_job *job, depthwise_helium_sums *sums,
                                         int32_t is_shared) {
  const int32_t w_zero = call->args->w_zero;
  depthwise_helium_dot(job, is_shared);
  if (w_zero) {
    depthwise_helium_job ones = *job;
    ones.acc = call->window_sums;
    ones.w = call->ones;
    depthwise_helium_dot(&ones, is_shared);
    for (int32_t i = 0; i < 4 * sums->pixels; i += 4) {
      const int32x4_t sum = vldrwq_s32(call->window_sums + i);
      vstrwq_s32(call->acc + i, vmlaq_n_s32(vldrwq_s32(call->acc + i), sum, -w_zero));
    }
  }
  call->way.finish(sums);
}

/// Output pixels [column, column + pixels) of one row.
static inline void depthwise_helium_part(const depthwise_helium_call *call, int32_t column,
                                         int32_t pixels, int8_t *y) {
  const depthwise_helium_args *const a = call->args;
  const int32_t step = a->stride_w * a->kernel_h, is_shared = a->multiple % 4 == 0;
  const int32_t first = call->first * a->multiple;
  const int32_t stop = first + call->channels * a->multiple;
  depthwise_helium_job job = {.acc = call->acc,
                              .step = step,
                              .w = call->w,
                              .vectors = call->vectors,
                              .taps = a->taps,
                              .index = call->index};
  depthwise_helium_sums sums = {
      .acc = call->acc, .next = a->out_c, .zero = a->y_zero, .low = a->low, .high = a->high};
  for (int32_t o = first; o < stop; o += 4) {
    if (call->vectors == 1) {
      job.w = a->w + o * a->taps;
    } else {
      depthwise_helium_weights(call, o);
    }
    sums.bias = a->bias + o;
    sums.multiplier = a->multiplier + o;
    sums.shift = a->shift + o;
    sums.channels = stop - o;
    for (int32_t at = 0; at < pixels; at += a->at_once) {
      depthwise_helium_windows(call, o, call->planes + (column + at) * step, job.x);
      sums.pixels = job.pixels = tw_min(a->at_once, pixels - at);
      sums.y = y + at * a->out_c + o;
      depthwise_helium_some(call, &job, &sums, is_shared);
    }
  }
}

/// The same where one vector has a window, and a fused loop computes the rounding.
static inline void depthwise_helium_fused_part(const depthwise_helium_call *call, int32_t column,
                                               int32_t pixels, int8_t *y) {
  const depthwise_helium_args *const a = call->args;
  const int32_t step = a->stride_w * a->kernel_h, first = call->first * a->multiple;
  const int32_t stop = first + call->channels * a->multiple;
  depthwise_helium_fused_job job = {.step = step,
                                    .pixels = pixels,
                                    .taps = a->taps,
                                    .index = call->index,
                                    .zero = a->y_zero,
                                    .next = a->out_c,
                                    .low = {a->low, a->low, a->low, a->low},
                                    .high = {a->high, a->high, a->high, a->high}};
  for (int32_t o = first; o < stop; o += 4) {
    depthwise_helium_windows(call, o, call->planes + column * step, job.x);
    job.y = y + o;
    job.w = a->w + o * a->taps;
    job.multiplier = a->multiplier + o;
    job.shift = a->shift + o;
    job.channels = stop - o;
    vstrwq_s32(job.bias, vldrwq_s32(a->bias + o));
    call->way.fused(&job);
  }
}

/// Output pixels [start, stop) of the batch, from `call->channels` channels of the input.
static inline void depthwise_helium_pixels(const depthwise_helium_call *call, int32_t start,
                                           int32_t stop) {
  const depthwise_helium_args *const a = call->args;
  const int32_t image_items = a->out_h * a->out_w, rows = a->kernel_h;
  helium_fill(call->planes, a->x_zero, a->planes); // also the columns of padding
  int32_t pixels = 0;
  int32_t held = 0; // rows of padded input below this one are in their slots; row 0 is -pad_top
  for (int32_t at = start; at < stop; at += pixels) {
    const int32_t row = at / a->out_w % a->out_h, column = at % a->out_w;
    const int8_t *image = a->x + at / image_items * a->in_h * a->in_w * a->in_c;
    const int32_t top = row * a->stride_h;
    pixels = tw_min(stop - at, a->out_w - column);
    if (a->turns) {
      held = at == start || row == 0 ? top : tw_max(held, top);
      for (; held < top + rows; held++) {
        depthwise_helium_row(a, &call->spread, image, call->first, call->channels,
                             held - a->pad_top, held % rows, call->planes);
      }
      depthwise_helium_turn(call, top % rows);
    } else {
      for (int32_t k = 0; k < rows; k++) {
        depthwise_helium_row(a, &call->spread, image, call->first, call->channels,
                             top + k * a->dilation_h - a->pad_top, k, call->planes);
      }
      if (call->vectors == 1) {
        depthwise_helium_turn(call, 0);
      }
    }
    if (call->way.fused && call->vectors == 1 && a->w_zero == 0) {
      depthwise_helium_fused_part(call, column, pixels, a->y + at * a->out_c);
    } else {
      depthwise_helium_part(call, column, pixels, a->y + at * a->out_c);
    }
  }
}

/// All channels at once.
static inline void depthwise_helium_core(const depthwise_helium_args *a, tw_work work,
                                         depthwise_helium_way way) {
  const depthwise_helium_call call = depthwise_helium_start(a, a->in_c, work.scratch, way);
  depthwise_helium_pixels(&call, work.start, work.stop);
}

/// Block by block.
static inline void depthwise_blocks_helium_core(const depthwise_helium_args *a, tw_work work,
                                                depthwise_helium_way way) {
  const int32_t blocks = (a->in_c + a->block - 1) / a->block, pixels = a->out_h * a->out_w;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t image = item / blocks, first = item % blocks * a->block;
    const int32_t channels = tw_min(a->block, a->in_c - first);
    depthwise_helium_call call = depthwise_helium_start(a, channels, work.scratch, way);
    call.first = first;
    depthwise_helium_pixels(&call, image * pixels, (image + 1) * pixels);
  }
}
