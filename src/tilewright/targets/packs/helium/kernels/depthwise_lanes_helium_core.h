/// Depthwise convolution with sixteen output elements in the lanes of vectors.
///
/// The input rows of a window are copied with their padding, so that no window reaches beyond
/// them and stride and dilation cost nothing. Products of two elements of a window meet in int16
/// lanes before they are widened: 19 instructions for 32 products.
///
/// A row's windows are copied before its first output is written, and earlier rows are never read
/// again unless all are, so output may follow input closely in the same memory.
#pragma once

#include "depthwise_lanes_helium.h"
#include "depthwise_lanes_helium_asm.h"
#include "fill_helium.h"

enum { LANES_PER_SET = 16, SET_HEAD = 36, PAIR_WORDS = 8, NINE_ROWS = 3 };

/// What stays the same from row to row.
typedef struct {
  const depthwise_lanes_helium_args *a;
  int32_t is_apart;    // a pair has one element, and one that meets zero
  int32_t is_nine;     // windows are 3x3
  int8_t *rows;        // [kernel_h][row]
  const int8_t **taps; // [2 * pairs]
} depthwise_lanes_call;

/// The last vector, by ways that assembly has not. `slow` must be a constant.
__attribute__((always_inline)) static inline void
depthwise_lanes_store(const depthwise_lanes_job *job, helium_rescaling slow) {
  static const uint8_t first[] = {0, 2, 1, 3};
  const int8_t *const shift = (const int8_t *)job->table;
  const int32x4_t low = vdupq_n_s32(job->low[0]), high = vdupq_n_s32(job->high[0]);
  for (int32_t i = 0; i < 4; i++) {
    const uint32x4_t at = vaddq_n_u32(vidupq_n_u32(0, 4), first[i]);
    const mve_pred16_t lanes = vcmphiq_u32(vdupq_n_u32(job->lanes), at);
    const int32x4_t multiplier = vldrwq_s32(job->table + 20 + 4 * i);
    const int32x4_t sum = vldrwq_s32(job->sums + 4 * i);
    const int32x4_t scaled = helium_rescale(sum, multiplier, vldrbq_s32(shift + 4 * i), slow);
    const int32x4_t y = vminq_s32(vmaxq_s32(vaddq_n_s32(scaled, job->zero), low), high);
    vstrbq_scatter_offset_p_s32(job->y, at, y, lanes);
  }
}

/// All vectors of a job. `rounding` must be a constant.
__attribute__((always_inline)) static inline void
depthwise_lanes_run(const depthwise_lanes_call *call, depthwise_lanes_job *job,
                    tw_rounding rounding) {
  const int32_t is_even = rounding == TW_ROUND_HALF_EVEN;
  const helium_rescaling slow = is_even ? HELIUM_EVEN_WIDE : HELIUM_LEFT;
  const int32_t is_slow = job->how == (int32_t)slow;
  int32_t times = is_slow ? job->count : 1;
  job->count = is_slow ? 1 : job->count;
  for (; times > 0; times--) {
    if (call->is_nine) {
      depthwise_lanes_nine(job, is_even);
    } else {
      depthwise_lanes_any(job, is_even);
    }
    if (is_slow) {
      depthwise_lanes_store(job, slow);
      job->top += job->x_step;
      job->middle += job->x_step;
      job->bottom += job->x_step;
      job->x += job->x_step;
      job->y += job->y_step;
    }
  }
}

/// `bytes` bytes.
static inline void depthwise_lanes_copy(int8_t *to, const int8_t *from, int32_t bytes) {
  __asm__ volatile("wlstp.8 lr, %[bytes], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[from]], #16; vstrb.8 q0, [%[to]], #16\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [to] "+r"(to), [from] "+r"(from)
                   : [bytes] "r"(bytes)
                   : "lr", "q0", "memory");
}

/// Row `row` of an image; its columns of padding are not written.
static inline void depthwise_lanes_row(const depthwise_lanes_helium_args *a, const int8_t *image,
                                       int32_t row, int8_t *to) {
  if (row < 0 || row >= a->in_h) {
    helium_fill(to, a->x_zero, a->row);
    return;
  }
  const int32_t pixel = a->channels;
  depthwise_lanes_copy(to + a->pad_left * pixel, image + row * a->in_w * pixel, a->columns * pixel);
}

/// Where the elements of a row's first window lie, the rows of which start at slot `oldest`; 3x3
/// windows are found by their rows.
static inline void depthwise_lanes_taps(const depthwise_lanes_call *call, int32_t oldest) {
  const depthwise_lanes_helium_args *const a = call->a;
  const int32_t rows = a->kernel_h, row = a->row, step = a->dilation_w * a->channels;
  const int8_t *column = call->rows;
  const int8_t **to = call->taps;
  for (int32_t i = call->is_nine ? 1 : a->kernel_w; i > 0; i--, column += step) {
    const int8_t *at = column + oldest * row, *const end = column + rows * row;
    for (int32_t k = rows; k > 0; k--) {
      *to++ = at;
      if (call->is_apart) {
        *to++ = column;
      }
      at += row;
      at = at == end ? column : at;
    }
  }
  *to = call->rows; // the second element of a last pair that has only one
}

/// Output pixels [column, column + pixels) of one row. `rounding` must be a constant.
__attribute__((always_inline)) static inline void
depthwise_lanes_part(const depthwise_lanes_call *call, depthwise_lanes_job *job, int32_t column,
                     int32_t pixels, int8_t *y, tw_rounding rounding) {
  const depthwise_lanes_helium_args *const a = call->a;
  const int32_t period = a->period, words = SET_HEAD + PAIR_WORDS * a->table[0];
  const int8_t *const *const taps = call->taps;
  const int32_t last =
      period ? tw_min(pixels * a->channels, LANES_PER_SET * a->sets) : LANES_PER_SET * a->sets;
  const int32_t from = column * a->stride_w * a->channels;
  int32_t left = period ? pixels * a->channels : a->channels; // elements, from the set's first on
  job->table = a->table + 1;
  for (int32_t first = 0; first < last; first += LANES_PER_SET, left -= LANES_PER_SET) {
    int32_t at = first, count = pixels, lanes = left;
    if (period) { // whole vectors, unless there is but a part of one
      count = left < LANES_PER_SET ? 1 : (left + period - LANES_PER_SET) / period;
    }
    for (int32_t end = first + left; at < end; at += count * period, count = 1) {
      lanes = period ? end - at : lanes;
      job->top = taps[0] + (from + at);
      job->middle = taps[1] + (from + at); // of windows of one element, this is never read
      job->bottom = taps[2] + (from + at); // nor is this
      job->x = from + at;
      job->y = y + at;
      job->count = count;
      job->lanes = (uint32_t)lanes;
      depthwise_lanes_run(call, job, rounding);
      if (period == 0) {
        break;
      }
    }
    job->table += words;
  }
}

/// What all calls of assembly have in common.
static inline depthwise_lanes_job depthwise_lanes_start(const depthwise_lanes_call *call,
                                                        helium_rescaling how) {
  const depthwise_lanes_helium_args *const a = call->a;
  const int32_t next = a->stride_w * a->channels, step = a->dilation_w * a->channels;
  const int32_t x_step = a->period ? a->period : next;
  depthwise_lanes_job job = {.step = step,
                             .back = x_step - 2 * step,
                             .y_step = a->period ? a->period : a->channels,
                             .zero = a->y_zero,
                             .x_step = x_step,
                             .how = (int32_t)how,
                             .taps = call->taps,
                             .pairs = a->table[0]};
  vstrbq_s8(job.low, vdupq_n_s8((int8_t)a->low));
  vstrbq_s8(job.high, vdupq_n_s8((int8_t)a->high));
  return job;
}

/// The fastest way that is exact for all sets.
static inline helium_rescaling depthwise_lanes_choose(const depthwise_lanes_helium_args *a,
                                                      tw_rounding rounding) {
  const int32_t words = SET_HEAD + PAIR_WORDS * a->table[0];
  helium_rescaling how = rounding == TW_ROUND_HALF_EVEN ? HELIUM_EVEN : HELIUM_UP;
  for (int32_t set = 0; set < a->sets; set++) {
    const int8_t *const shift = (const int8_t *)(a->table + 1 + set * words);
    const helium_rescaling one = helium_choose(shift, LANES_PER_SET, a->y_zero, a->low, rounding);
    how = one > how ? one : how;
  }
  return how;
}

/// Brings the rows of the window at `top` of padded input into their slots; `held` are there, from
/// row 0 on or from `top` on.
static inline void depthwise_lanes_rows(const depthwise_lanes_call *call, const int8_t *image,
                                        int32_t top, int32_t held) {
  const depthwise_lanes_helium_args *const a = call->a;
  const int32_t step = a->turns ? 1 : a->dilation_h;
  int32_t row = a->turns ? held : top;
  int8_t *to = call->rows, *const end = to + a->kernel_h * a->row;
  to += a->turns ? held % a->kernel_h * a->row : 0;
  for (const int32_t stop = top + a->kernel_h * step; row < stop; row += step) {
    depthwise_lanes_row(a, image, row - a->pad_top, to);
    to += a->row;
    to = to == end ? call->rows : to;
  }
}

__attribute__((always_inline)) static inline void
depthwise_lanes_core(const depthwise_lanes_helium_args *a, tw_work work, tw_rounding rounding) {
  const int32_t rows = a->kernel_h, size = rows * a->kernel_w;
  const int32_t is_apart = a->table[0] > (size + 1) / 2;
  const int32_t line = work.start / a->out_w, number = line / a->out_h;
  depthwise_lanes_call call = {.a = a,
                               .is_apart = is_apart,
                               .is_nine =
                                   rows == NINE_ROWS && a->kernel_w == NINE_ROWS && !is_apart,
                               .taps = work.scratch};
  call.rows = (int8_t *)(call.taps + 2 * size + 2);
  if (a->columns * a->channels < a->row) {
    helium_fill(call.rows, a->x_zero, rows * a->row); // the columns of padding
  }
  depthwise_lanes_job job = depthwise_lanes_start(&call, depthwise_lanes_choose(a, rounding));
  const int8_t *image = a->x + number * a->in_h * a->in_w * a->channels;
  int32_t row = line - number * a->out_h, column = work.start - line * a->out_w, pixels = 0;
  int32_t held = row * a->stride_h; // rows of padded input below this one are in their slots
  for (int32_t at = work.start; at < work.stop; at += pixels) {
    const int32_t top = row * a->stride_h;
    pixels = tw_min(work.stop - at, a->out_w - column);
    depthwise_lanes_rows(&call, image, top, tw_max(held, top));
    held = top + rows;
    if (at == work.start || a->turns) {
      depthwise_lanes_taps(&call, a->turns ? top % rows : 0);
    }
    depthwise_lanes_part(&call, &job, column, pixels, a->y + at * a->channels, rounding);
    column = 0;
    if (++row == a->out_h) {
      row = held = 0;
      image += a->in_h * a->in_w * a->channels;
    }
  }
}
