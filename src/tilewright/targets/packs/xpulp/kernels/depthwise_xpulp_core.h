/// Depthwise convolution channel by channel: four channels of some rows become planes with padding,
/// in which neighbours of one row are one word, and a row of the window is one dot product.
#pragma once

#include "depthwise_xpulp.h"
#include "depthwise_xpulp_asm.h"
#include "xp_requantise.h"

enum { DEPTHWISE_XPULP_LEFT = 4 }; // bytes before the first column of a plane's row

/// The rows of one item: where they come from, and their planes.
typedef struct {
  const int8_t *x; // the image, at the group's first channel
  int32_t top;     // input row of the planes' first row; may be padding
  int32_t rows;
  int8_t *plane; // of the first channel
  int32_t size;  // bytes of a plane
} depthwise_xpulp_planes;

/// Four channels of a row become rows of four planes, four pixels at a time: what follows the last
/// pixel is written, too.
static inline void depthwise_xpulp_turn(const int8_t *from, int32_t step, int32_t pixels,
                                        int8_t *to, int32_t size) {
  const int32_t low = 0x05010400, high = 0x07030602, halves = 0x00030001;
  const int32_t on = 4 - 3 * size;
  for (; pixels > 0; pixels -= 4) {
    const int32_t a = p_lw_post(&from, step), b = p_lw_post(&from, step);
    const int32_t c = p_lw_post(&from, step), d = p_lw_post(&from, step);
    const int32_t ab = pv_shuffle2_b(a, b, low), cd = pv_shuffle2_b(c, d, low); // a0 b0 a1 b1
    const int32_t ab2 = pv_shuffle2_b(a, b, high), cd2 = pv_shuffle2_b(c, d, high);
    p_sw_post(&to, size, pv_pack_h(cd, ab));
    p_sw_post(&to, size, pv_shuffle2_h(ab, cd, halves));
    p_sw_post(&to, size, pv_pack_h(cd2, ab2));
    p_sw_post(&to, on, pv_shuffle2_h(ab2, cd2, halves));
  }
}

/// Fills the planes, padding first. What lies beyond the last column that a window reaches is never
/// multiplied by anything but zero.
static inline void depthwise_xpulp_fill(const depthwise_xpulp_args *a,
                                        const depthwise_xpulp_planes *p) {
  const int32_t zeros = (a->x_zero & 0xff) * 0x01010101;
  const int32_t step = a->channels, is_ragged = a->in_w & 3;
  const int32_t first = p_max(-p->top, 0), stop = p_min(a->in_h - p->top, p->rows);
  xp_fill_words(p->plane, zeros, p->size); // four planes of p->size / 4 words
  const int8_t *from = p->x + (p->top + first) * a->in_w * step;
  int8_t *to = p->plane + first * a->pitch + DEPTHWISE_XPULP_LEFT;
  for (int32_t r = first; r < stop; ++r, to += a->pitch, from += a->in_w * step) {
    depthwise_xpulp_turn(from, step, a->in_w, to, p->size);
    if (is_ragged != 0) {
      int8_t *right = to + a->in_w;
      p_sw_post(&right, p->size, zeros);
      p_sw_post(&right, p->size, zeros);
      p_sw_post(&right, p->size, zeros);
      p_sw_post(&right, p->size, zeros);
    }
  }
}

/// One channel of an item, in the order in which the assembly reads it.
typedef struct {
  const int8_t *x;    //  0 window of the first output, in its plane
  const int8_t *w;    //  4
  int8_t *y;          //  8
  int32_t bias;       // 12
  int32_t multiplier; // 16
  int32_t shift;      // 20
  int32_t low, high;  // 24, 28 clip range before y_zero is added
  int32_t zero;       // 32 y_zero
  int32_t pitch;      // 36 bytes from one row of the plane to the next
  int32_t step;       // 40 bytes from one window to the next
  int32_t y_step;     // 44
  int32_t columns;    // 48 outputs of a row
  int32_t rows;       // 52
  int32_t x_row;      // 56 bytes from one row of windows to the next
  int32_t y_row;      // 60
} depthwise_xpulp_job;

/// The short forms; 9 instructions around the requantisation, 7 around the inner loop.
static inline void depthwise_xpulp_3x3(depthwise_xpulp_job *job, tw_rounding rounding) {
  register depthwise_xpulp_job *at __asm__("s8") = job;
  if (rounding == TW_ROUND_HALF_UP) {
    __asm__ volatile(DEPTHWISE_XPULP_3X3("40", "26", XP_HALF_UP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (rounding == TW_ROUND_HALF_EVEN) {
    __asm__ volatile(DEPTHWISE_XPULP_3X3("52", "38", XP_HALF_EVEN)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (job->low == 0) {
    __asm__ volatile(DEPTHWISE_XPULP_3X3("40", "26", XP_POSITIVE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DEPTHWISE_XPULP_3X3("46", "32", XP_SIGNED)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  }
}

/// Any window, any shift.
static inline void depthwise_xpulp_any(const depthwise_xpulp_args *a,
                                       const depthwise_xpulp_job *job, tw_rounding rounding) {
  const int32_t words = (a->kernel_w + 3) >> 2;
  const int8_t *row = job->x;
  for (int32_t r = 0; r < job->rows; ++r, row += job->x_row) {
    const int8_t *x = row;
    int8_t *y = job->y + r * job->y_row;
    for (int32_t column = 0; column < job->columns; ++column, x += job->step, y += job->y_step) {
      const int8_t *w = job->w, *line = x;
      int32_t acc = job->bias;
      for (int32_t ky = 0; ky < a->kernel_h; ++ky, line += job->pitch) {
        for (int32_t i = 0; i < words; ++i, w += 4) {
          acc = pv_sdotsp_b(acc, xp_load(line + 4 * i), xp_load(w));
        }
      }
      const int32_t v = xp_rescale_any(acc, job->multiplier, job->shift, rounding);
      *y = (int8_t)(tw_clip(v, job->low, job->high) + job->zero);
    }
  }
}

static inline void depthwise_xpulp_item(const depthwise_xpulp_args *a, int32_t item,
                                        int8_t *scratch, const xp_output *out,
                                        tw_rounding rounding) {
  const int32_t blocks = (a->out_h + a->item_rows - 1) / a->item_rows;
  const int32_t groups = (a->channels + 3) >> 2;
  const int32_t group_of_all = item / blocks, row = (item - group_of_all * blocks) * a->item_rows;
  const int32_t image = group_of_all / groups, channel = 4 * (group_of_all - image * groups);
  const int32_t rows = p_min(a->out_h - row, a->item_rows);
  const int32_t taken = (rows - 1) * a->stride_h + a->kernel_h;
  const depthwise_xpulp_planes planes = {a->x + image * a->in_h * a->in_w * a->channels + channel,
                                         row * a->stride_h - a->pad_top, taken, scratch,
                                         taken * a->pitch};
  depthwise_xpulp_fill(a, &planes);
  const int32_t window = a->kernel_h * ((a->kernel_w + 3) & ~3);
  const int32_t channels = p_min(a->channels - channel, 4);
  int8_t *const y = a->y + (image * a->out_h + row) * a->out_w * a->channels + channel;
  depthwise_xpulp_job job = {.low = out->low,
                             .high = out->high,
                             .zero = a->y_zero,
                             .pitch = a->pitch,
                             .step = a->stride_w,
                             .y_step = a->channels,
                             .columns = a->out_w,
                             .rows = rows,
                             .x_row = a->stride_h * a->pitch,
                             .y_row = a->out_w * a->channels};
  for (int32_t i = 0; i < channels; ++i) {
    const int32_t at = channel + i;
    job.x = scratch + i * planes.size + DEPTHWISE_XPULP_LEFT - a->pad_left;
    job.w = a->w + at * window;
    job.y = y + i;
    job.bias = a->bias[at];
    job.multiplier = a->multiplier[at];
    job.shift = a->shift[at];
    if (a->kernel_h == 3 && a->kernel_w == 3 && job.shift >= 0) {
      depthwise_xpulp_3x3(&job, rounding);
    } else {
      depthwise_xpulp_any(a, &job, rounding);
    }
  }
}

static inline void depthwise_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const depthwise_xpulp_args *a = args;
  const xp_output out = xp_output_of(a->low, a->high, a->y_zero);
  for (int32_t item = work.start; item < work.stop; ++item) {
    depthwise_xpulp_item(a, item, work.scratch, &out, rounding);
  }
}
