/// Depthwise convolution: four channels of some rows become planes with padding, in which
/// neighbours of one row are one word, and a row of the window is one dot product.
#pragma once

#include "depthwise_xpulp.h"
#include "depthwise_xpulp_asm.h"
#include "xp_requantise.h"

enum {
  DEPTHWISE_XPULP_LEFT = 4 // bytes before the first column of a plane's row
};

/// The rows of one item, four channels of each beside each other: [rows][4][pitch].
typedef struct {
  const int8_t *x; // the image, at the first of the four channels
  int32_t top;     // input row of the planes' first row; may be padding
  int32_t rows;
  int8_t *plane;
} depthwise_xpulp_planes;

/// Four channels of whole rows of the input become rows of planes, four pixels at a time.
///
/// first  address of the first row's first pixel, likewise `to`
/// left   picks bytes of a row's last pixels, before zeros; 0: in_w is a multiple of four
static inline void depthwise_xpulp_turn(const depthwise_xpulp_args *a, const int8_t *first,
                                        int32_t rows, int8_t *to) {
  const int32_t rest = a->in_w & 3, fours = a->in_w >> 2, pitch = a->pitch;
  const int32_t left = rest == 0 ? 0 : rest == 1 ? 0x07060500 : rest == 2 ? 0x07060100 : 0x07020100;
  const int32_t zeros = (a->x_zero & 0xff) * 0x01010101;
  int32_t p, q, r, s, t, u;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x1, %[rows], 90\n\t" // lp.setup 1: 45 instructions
                   "beqz %[fours], 1f\n\t"
                   ".insn i 0x7b, 4, x0, %[fours], 36\n\t"           // lp.setup 0: 18 instructions
                   DEPTHWISE_XPULP_TURN DEPTHWISE_XPULP_PUT          //
                   "1:\n\tbeqz %[left], 2f\n\t" DEPTHWISE_XPULP_TURN //
                       DEPTHWISE_XPULP_LEFT_OF("%[p]") DEPTHWISE_XPULP_LEFT_OF("%[u]") //
                   DEPTHWISE_XPULP_LEFT_OF("%[q]") DEPTHWISE_XPULP_LEFT_OF("%[s]")     //
                   DEPTHWISE_XPULP_PUT                                                 //
                   "2:\n\tadd %[x], %[x], %[x_next]\n\tadd %[to], %[to], %[to_next]\n\t"
                   ".option pop"
                   : [x] "+r"(first), [to] "+r"(to), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r),
                     [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u)
                   : [rows] "r"(rows), [fours] "r"(fours), [left] "r"(left), [zeros] "r"(zeros),
                     [step] "r"(a->channels), [pitch] "r"(pitch), [on] "r"(4 - 3 * pitch),
                     [x_next] "r"(rest == 0 ? 0 : (rest - 4) * a->channels),
                     [to_next] "r"(4 * pitch - ((a->in_w + 3) & ~3)), [low] "r"(0x06020400),
                     [high] "r"(0x07030501), [halves] "r"(0x00030001)
                   : "memory");
}

/// Fills the planes of the rows that are in the image.
static inline void depthwise_xpulp_fill(const depthwise_xpulp_args *a,
                                        const depthwise_xpulp_planes *p) {
  const int32_t first = p_max(-p->top, 0), stop = p_min(a->in_h - p->top, p->rows);
  if (first < stop) {
    depthwise_xpulp_turn(a, p->x + (p->top + first) * a->in_w * a->channels, stop - first,
                         p->plane + first * 4 * a->pitch + DEPTHWISE_XPULP_LEFT);
  }
}

/// Two channels of an item, in the order in which the assembly reads it.
typedef struct {
  const int8_t *x;       //  0 window of the first output, in the first channel's plane
  const int8_t *w;       //  4 of the first channel
  int8_t *y;             //  8
  int32_t scale, offset; // 12, 16 of the first channel's line
  int32_t other_scale;   // 20
  int32_t low, high;     // 24, 28 bounds in every byte; where lines are odd, both biases
  int32_t base;          // 32 of xp_finish
  const int8_t *other_w; // 36
  int32_t next, back;    // 40, 44 bytes to the other channel's row, and on to the next row
  int32_t y_row;         // 48 bytes from one output to the next one below
  int32_t step, y_step;  // 52, 56 bytes to the next column's window and output
  int32_t columns;       // 60
  int32_t rows;          // 64 or pairs
  int32_t is_odd;        // 68 one row more than pairs
  int32_t other_offset;  // 72
  int32_t bytes;         // 76 which bytes pv.shuffle2.b takes: the upper ones
  int32_t shifts;        // 80 windows that start at this byte of a word are read a byte earlier
} depthwise_xpulp_job;

/// 3x3 windows in neighbouring rows.
static __attribute__((noinline)) void depthwise_xpulp_by_one(depthwise_xpulp_job *job,
                                                             xp_finish_kind kind) {
  register depthwise_xpulp_job *at __asm__("s8") = job;
  if (kind == XP_FINISH_FULL) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("64", DW_EVEN_MORE, DW_EVEN_NEXT, DW_EVEN_START,
                                            DW_EVEN_FINISH, DW_NO_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (kind == XP_FINISH_CLIPPED) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("72", DW_BOUNDS, DW_EVEN_NEXT, DW_EVEN_START,
                                            DW_EVEN_FINISH, DW_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DEPTHWISE_XPULP_BY_ONE("88", DW_ODD_MORE, DW_ODD_NEXT, DW_ODD_START,
                                            DW_ODD_FINISH, DW_NO_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  }
}

/// 3x3 windows two rows apart.
static __attribute__((noinline)) void depthwise_xpulp_by_two(depthwise_xpulp_job *job,
                                                             xp_finish_kind kind) {
  register depthwise_xpulp_job *at __asm__("s8") = job;
  if (kind == XP_FINISH_FULL) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("36", DW_EVEN_MORE, DW_EVEN_NEXT, DW_EVEN_START,
                                            DW_EVEN_FINISH, DW_NO_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else if (kind == XP_FINISH_CLIPPED) {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("40", DW_BOUNDS, DW_EVEN_NEXT, DW_EVEN_START,
                                            DW_EVEN_FINISH, DW_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DEPTHWISE_XPULP_BY_TWO("48", DW_ODD_MORE, DW_ODD_NEXT, DW_ODD_START,
                                            DW_ODD_FINISH, DW_NO_CLIP)
                     :
                     : "r"(at)
                     : DEPTHWISE_XPULP_REGISTERS);
  }
}

/// Any window, with lines or without: one channel, `x` its first window.
static inline void depthwise_xpulp_any(const depthwise_xpulp_args *a, int32_t channel,
                                       const int8_t *x_row, int8_t *y_row, int32_t rows,
                                       const xp_finish *finish, tw_rounding rounding) {
  const int32_t words = (a->kernel_w + 3) >> 2, down = 4 * a->pitch;
  const int8_t *const weights = a->w + channel * a->kernel_h * 4 * words;
  const int32_t bias = a->bias[channel], scale = a->multiplier[channel];
  const int32_t offset = a->shift[channel];
  for (; rows > 0; --rows, x_row += a->stride_h * down, y_row += a->out_w * a->channels) {
    const int8_t *x = x_row;
    int8_t *y = y_row;
    for (int32_t column = 0; column < a->out_w; ++column, x += a->stride_w, y += a->channels) {
      const int8_t *w = weights, *line = x;
      int32_t acc = bias;
      for (int32_t ky = 0; ky < a->kernel_h; ++ky, line += down) {
        for (int32_t i = 0; i < words; ++i, w += 4) {
          acc = pv_sdotsp_b(acc, xp_load(line + 4 * i), xp_load(w));
        }
      }
      *y = (int8_t)xp_finish_one(acc, scale, offset, finish, rounding);
    }
  }
}

/// What does not change from item to item, and what does of a job.
typedef struct {
  const depthwise_xpulp_args *a;
  xp_finish finish;
  int32_t channels; // that an item has, 1 to 4
  int32_t is_three; // rows of the window, each a word, which moves down by one or two
  depthwise_xpulp_job job;
} depthwise_xpulp_layer;

static inline depthwise_xpulp_layer depthwise_xpulp_layer_of(const depthwise_xpulp_args *a,
                                                             tw_rounding rounding) {
  const xp_finish finish = xp_finish_of(a->low, a->high, a->y_zero, rounding);
  return (depthwise_xpulp_layer){a,
                                 finish,
                                 p_min(a->channels, 4),
                                 a->kernel_h == 3 && a->kernel_w <= 4 && a->stride_h <= 2 &&
                                     finish.kind != XP_FINISH_ODD_CLIPPED,
                                 {.base = finish.base,
                                  .low = (finish.low & 0xff) * 0x0101,
                                  .high = (finish.high & 0xff) * 0x0101,
                                  .next = a->pitch,
                                  .back = 3 * a->pitch,
                                  .y_row = a->out_w * a->channels,
                                  .step = a->stride_w,
                                  .y_step = a->channels,
                                  .bytes = 0x0703}};
}

/// Channels `channel` and the one after it.
static inline void depthwise_xpulp_pair(depthwise_xpulp_layer *layer, int32_t channel,
                                        const int8_t *x, int8_t *y, tw_rounding rounding) {
  const depthwise_xpulp_args *a = layer->a;
  depthwise_xpulp_job *const job = &layer->job;
  job->x = x;
  job->w = a->w + channel * 12;
  job->other_w = job->w + 12;
  job->y = y;
  job->scale = a->multiplier[channel];
  job->offset = a->shift[channel];
  job->other_scale = a->multiplier[channel + 1];
  job->other_offset = a->shift[channel + 1];
  job->columns = a->out_w;
  if (rounding == TW_ROUND_DOUBLE && layer->finish.kind == XP_FINISH_ODD) {
    job->low = a->bias[channel];
    job->high = a->bias[channel + 1];
  }
  if (a->stride_h == 2) {
    depthwise_xpulp_by_two(job, layer->finish.kind);
  } else {
    depthwise_xpulp_by_one(job, layer->finish.kind);
  }
}

/// Four channels from `channel` on of a block of rows.
static inline void depthwise_xpulp_item(depthwise_xpulp_layer *layer, int32_t channel,
                                        const depthwise_xpulp_planes *planes, int8_t *y,
                                        int32_t rows, tw_rounding rounding) {
  const depthwise_xpulp_args *a = layer->a;
  depthwise_xpulp_fill(a, planes);
  const int8_t *const x = planes->plane + DEPTHWISE_XPULP_LEFT - a->pad_left;
  const int32_t channels = layer->channels;
  if (layer->is_three && channels > 1 && xp_has_line(a->shift[channel]) &&
      xp_has_line(a->shift[channel + channels - 1])) {
    layer->job.rows = a->stride_h == 2 ? rows : rows >> 1;
    layer->job.is_odd = rows & 1;
    for (int32_t i = 0; i < channels; i += 2) {
      const int32_t first = p_min(i, channels - 2); // the one of three in the middle again
      depthwise_xpulp_pair(layer, channel + first, x + first * a->pitch, y + first, rounding);
    }
    return;
  }
  for (int32_t i = 0; i < channels; ++i) {
    depthwise_xpulp_any(a, channel + i, x + i * a->pitch, y + i, rows, &layer->finish, rounding);
  }
}

/// Groups of four channels follow each other, so that padding of planes is there already; the last
/// group has four channels, too, where there are as many.
static inline void depthwise_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const depthwise_xpulp_args *a = args;
  const int32_t groups = (a->channels + 3) >> 2;
  const int32_t blocks =
      a->item_rows == a->out_h ? 1 : (a->out_h + a->item_rows - 1) / a->item_rows;
  depthwise_xpulp_layer layer = depthwise_xpulp_layer_of(a, rounding);
  const int32_t all = work.start / groups;
  int32_t group = work.start - all * groups, image = blocks == 1 ? all : all / blocks;
  int32_t block = all - image * blocks, ready = -1;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t row = block * a->item_rows, rows = p_min(a->out_h - row, a->item_rows);
    const int32_t channel = p_max(p_min(4 * group, a->channels - 4), 0);
    const depthwise_xpulp_planes planes = {
        a->x + image * a->in_h * a->in_w * a->channels + channel, row * a->stride_h - a->pad_top,
        (rows - 1) * a->stride_h + a->kernel_h, (int8_t *)work.scratch};
    if (ready != block) {
      xp_fill_pairs(planes.plane, (a->x_zero & 0xff) * 0x01010101, planes.rows * a->pitch >> 1);
      ready = block;
    }
    depthwise_xpulp_item(&layer, channel, &planes,
                         a->y + (image * a->out_h + row) * a->out_w * a->channels + channel, rows,
                         rounding);
    if (++group == groups) {
      group = 0;
      if (++block == blocks) {
        block = 0;
        ++image;
      }
    }
  }
}
