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
  xp_fill_pairs(p->plane, zeros, p->size >> 1); // four planes of p->size / 4 words
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
  const int8_t *x;   //  0 window of the first output, in its plane
  const int8_t *w;   //  4
  int8_t *y;         //  8
  int32_t bias;      // 12
  int32_t scale;     // 16 of its line
  int32_t offset;    // 20
  int32_t low, high; // 24, 28 of xp_finish
  int32_t base;      // 32 of xp_finish
  int32_t pitch;     // 36 bytes from one row of the plane to the next
  int32_t step;      // 40 bytes from one column, or pair of columns, to the next
  int32_t y_step;    // 44 the same for outputs
  int32_t columns;   // 48 or pairs
  int32_t rows;      // 52 or pairs
  int32_t y_row;     // 56 bytes from one row of outputs to the next
  int32_t y_next;    // 60 bytes to the second output of a pair
  int32_t is_odd;    // 64 one row more than pairs
} depthwise_xpulp_job;

/// 3x3 windows that lie side by side.
static inline void depthwise_xpulp_by_one(depthwise_xpulp_job *job, xp_finish_kind kind) {
  register depthwise_xpulp_job *at __asm__("s8") = job;
  if (kind == XP_FINISH_FULL) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("76", "", XP_EVEN, XP_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (kind == XP_FINISH_CLIPPED) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("92", DW_BOUNDS, XP_EVEN, XP_CLIPPED_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("92", DW_BASE, XP_ODD, XP_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  }
}

/// 3x3 windows two apart.
static inline void depthwise_xpulp_by_two(depthwise_xpulp_job *job, xp_finish_kind kind) {
  register depthwise_xpulp_job *at __asm__("s8") = job;
  if (kind == XP_FINISH_FULL) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("22", "", XP_EVEN, XP_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (kind == XP_FINISH_CLIPPED) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("26", DW_BOUNDS, XP_EVEN, XP_CLIPPED_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("26", DW_BASE, XP_ODD, XP_BYTE)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  }
}

/// All outputs of one channel where the window is 3x3 and moves by one or by two.
static inline void depthwise_xpulp_3x3(const depthwise_xpulp_args *a, depthwise_xpulp_job *job,
                                       int32_t rows, xp_finish_kind kind) {
  const int32_t by = a->stride_w;
  job->y_row = a->out_w * a->channels;
  if (by == 2) {
    job->step = 2;
    job->y_step = a->channels;
    job->columns = a->out_w;
    job->rows = rows;
    depthwise_xpulp_by_two(job, kind);
    return;
  }
  job->step = 2;
  job->y_step = 2 * a->channels;
  job->rows = rows >> 1;
  job->is_odd = rows & 1;
  job->y_next = a->channels;
  if (a->out_w > 1) {
    job->columns = a->out_w >> 1;
    depthwise_xpulp_by_one(job, kind);
  }
  if ((a->out_w & 1) != 0) { // the last column, with the one before it again
    const int32_t column = p_max(a->out_w - 2, 0);
    job->y_next = a->out_w > 1 ? a->channels : 0;
    job->x += column;
    job->y += column * a->channels;
    job->columns = 1;
    depthwise_xpulp_by_one(job, kind);
  }
}

/// Any window, with lines or without.
static inline void depthwise_xpulp_any(const depthwise_xpulp_args *a,
                                       const depthwise_xpulp_job *job, int32_t rows,
                                       const xp_finish *finish, tw_rounding rounding) {
  const int32_t words = (a->kernel_w + 3) >> 2;
  const int8_t *row = job->x;
  int8_t *y_row = job->y;
  for (; rows > 0; --rows, row += a->stride_h * a->pitch, y_row += a->out_w * a->channels) {
    const int8_t *x = row;
    int8_t *y = y_row;
    for (int32_t column = 0; column < a->out_w; ++column, x += a->stride_w, y += a->channels) {
      const int8_t *w = job->w, *line = x;
      int32_t acc = job->bias;
      for (int32_t ky = 0; ky < a->kernel_h; ++ky, line += a->pitch) {
        for (int32_t i = 0; i < words; ++i, w += 4) {
          acc = pv_sdotsp_b(acc, xp_load(line + 4 * i), xp_load(w));
        }
      }
      *y = (int8_t)xp_finish_one(acc, job->scale, job->offset, finish, rounding);
    }
  }
}

static inline void depthwise_xpulp_item(const depthwise_xpulp_args *a, int32_t item,
                                        int8_t *scratch, const xp_finish *finish,
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
  depthwise_xpulp_job job = {
      .low = finish->low, .high = finish->high, .base = finish->base, .pitch = a->pitch};
  const int32_t is_3x3 = a->kernel_h == 3 && a->kernel_w == 3 && a->stride_h == a->stride_w &&
                         a->stride_w <= 2 && finish->kind != XP_FINISH_ODD_CLIPPED &&
                         xp_has_line(a->multiplier[channel]);
  for (int32_t i = 0; i < channels; ++i) {
    const int32_t at = channel + i;
    job.x = scratch + i * planes.size + DEPTHWISE_XPULP_LEFT - a->pad_left;
    job.w = a->w + at * window;
    job.y = y + i;
    job.bias = a->bias[at];
    job.scale = a->multiplier[at];
    job.offset = a->shift[at];
    if (is_3x3) {
      depthwise_xpulp_3x3(a, &job, rows, finish->kind);
    } else {
      depthwise_xpulp_any(a, &job, rows, finish, rounding);
    }
  }
}

static inline void depthwise_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const depthwise_xpulp_args *a = args;
  const xp_finish finish = xp_finish_of(a->low, a->high, a->y_zero, rounding);
  for (int32_t item = work.start; item < work.stop; ++item) {
    depthwise_xpulp_item(a, item, work.scratch, &finish, rounding);
  }
}
