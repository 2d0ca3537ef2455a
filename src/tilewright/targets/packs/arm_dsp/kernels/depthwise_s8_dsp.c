/// Depthwise convolution, four channels of a pixel at a time: ten instructions per element of the
/// window, two loads, four SXTB16 and four SMLABB or SMLATT; eight where the weights are stored as
/// int16, as they are where there are few, and thus many pixels to use them for.
///
/// A window that reaches beyond the input is copied and padded first. Four channels are written
/// when they have been read, before the next four are read. Odd channels are computed with those
/// before them as a last four, of which only they are written: the others' inputs may be gone.
#include "depthwise_s8_dsp_3x3.h"
#include "dsp_border.h"
#include "dsp_finish.h"
#include "dsp_words.h"

/// The next `count` <= 4 channels of any window.
static inline void depthwise_s8_dsp_next(const depthwise_s8_dsp_args *a, depthwise_s8_dsp_pixels *p,
                                         int32_t count, dsp_way way) {
  int32_t acc[4] = {p->block[0], p->block[1], p->block[2], p->block[3]};
  const int32_t *w = p->block + 4;
  const int8_t *row = p->x;
  for (int32_t ky = 0; ky < a->kernel_h; ky++, row += p->row) {
    const int8_t *x = row;
    for (int32_t kx = 0; kx < a->kernel_w; kx++, x += p->channels, w++) {
      uint32_t four = 0;
      memcpy(&four, x, (size_t)count);
      const uint32_t even = a->is_wide ? (uint32_t)*w++ : dsp_even((uint32_t)*w);
      const uint32_t odd = a->is_wide ? (uint32_t)*w : dsp_odd((uint32_t)*w);
      acc[0] = dsp_first(dsp_even(four), even, acc[0]);
      acc[1] = dsp_first(dsp_odd(four), odd, acc[1]);
      acc[2] = dsp_second(dsp_even(four), even, acc[2]);
      acc[3] = dsp_second(dsp_odd(four), odd, acc[3]);
    }
  }
  for (int32_t i = 0; i < count; i++) {
    p->y[i] = dsp_finish(acc[i], w + i / 2 * DSP_TAIL_WORDS, i % 2, p->zero, way);
  }
  p->x += count;
  p->y += count;
  p->block = w + 2 * DSP_TAIL_WORDS;
}

/// What comes after four channels: more, the odd ones, or the next pixel.
static inline void depthwise_s8_dsp_advance(depthwise_s8_dsp_pixels *p) {
  if (--p->fours > 0) {
    return;
  }
  if (p->odd > 0 && p->parked == NULL) {
    p->x -= 4 - p->odd;
    p->parked = p->y;
    p->y = p->last;
    p->fours = 1;
    return;
  }
  if (p->odd > 0) {
    memcpy(p->parked, p->last + (4 - p->odd), (size_t)p->odd);
    p->y = p->parked + p->odd;
    p->parked = NULL;
  }
  if (--p->pixels > 0) {
    p->x += p->skip;
    p->block = p->first;
    p->fours = p->all_fours;
  }
}

/// All channels of neighbouring pixels; of one only, where there are less than four.
static inline void depthwise_s8_dsp_channels(const depthwise_s8_dsp_args *a,
                                             depthwise_s8_dsp_pixels *p, dsp_way way) {
  const int32_t is_fast = a->kernel_h == 3 && a->kernel_w == 3;
  if (a->channels < 4) {
    depthwise_s8_dsp_next(a, p, a->channels, way);
    return;
  }
  while (p->pixels > 0) {
    if (is_fast && a->is_wide) {
      depthwise_s8_dsp_next_3x3(p, 1, way == DSP_DOUBLE);
    } else if (is_fast) {
      depthwise_s8_dsp_next_3x3(p, 0, way == DSP_DOUBLE);
    }
    if (p->pixels == 0) {
      break;
    }
    depthwise_s8_dsp_next(a, p, 4, way);
    depthwise_s8_dsp_advance(p);
  }
}

/// Copies the window at (top, left) to `window`, padding with x_zero.
static inline void depthwise_s8_dsp_gather(const depthwise_s8_dsp_args *a, const int8_t *image,
                                           int32_t top, int32_t left, int8_t *window) {
  const dsp_scene scene = {image, a->in_h, a->in_w, a->channels, a->x_zero};
  const tw_span rows = {top, top + a->kernel_h}, columns = {left, left + a->kernel_w};
  dsp_copy_window(&scene, rows, columns, a->kernel_w * a->channels, window);
}

/// How many windows from column `left` of the input on, `count` at most, lie inside it.
static inline int32_t depthwise_s8_dsp_inside(const depthwise_s8_dsp_args *a, int32_t left,
                                              int32_t count) {
  const int32_t room = a->in_w - a->kernel_w - left;
  return left < 0 || room < 0 ? 0 : tw_min(room / a->stride_w + 1, count);
}

/// Output columns [work.start, work.stop) of one line of output.
static inline void depthwise_s8_dsp_line(const depthwise_s8_dsp_args *a, int32_t line, tw_work work,
                                         dsp_way way) {
  const int32_t channels = a->channels, stride = a->in_w * channels, image_number = line / a->out_h;
  const int32_t top = (line - image_number * a->out_h) * a->stride_h - a->pad_top;
  const int8_t *const image = a->x + image_number * a->in_h * stride;
  const int32_t is_within = top >= 0 && top + a->kernel_h <= a->in_h;
  int8_t *y = a->y + (line * a->out_w + work.start) * channels;
  for (int32_t column = work.start, pixels; column < work.stop; column += pixels) {
    const int32_t left = column * a->stride_w - a->pad_left;
    pixels = is_within ? depthwise_s8_dsp_inside(a, left, work.stop - column) : 0;
    depthwise_s8_dsp_pixels p = {image + (top * stride + left * channels),
                                 a->w,
                                 channels,
                                 stride,
                                 y,
                                 a->y_zero,
                                 channels / 4,
                                 pixels,
                                 (a->stride_w - 1) * channels,
                                 a->w,
                                 channels / 4,
                                 channels % 4,
                                 NULL,
                                 {0}};
    if (pixels == 0) {
      depthwise_s8_dsp_gather(a, image, top, left, work.scratch);
      p.x = work.scratch;
      p.row = a->kernel_w * channels;
    }
    if (pixels == 0 || channels < 4) {
      p.pixels = pixels = 1;
    }
    depthwise_s8_dsp_channels(a, &p, way);
    dsp_clip(y, pixels * channels, a->low, a->high);
    y += pixels * channels;
  }
}

static inline void depthwise_s8_dsp_core(const void *args, tw_work work, dsp_way way) {
  const depthwise_s8_dsp_args *a = args;
  for (int32_t pixel = work.start; pixel < work.stop;) {
    const int32_t line = pixel / a->out_w, first = line * a->out_w;
    tw_work columns = work;
    columns.start = pixel - first;
    columns.stop = tw_min(work.stop - first, a->out_w);
    depthwise_s8_dsp_line(a, line, columns, way);
    pixel = first + columns.stop;
  }
}

void depthwise_s8_dsp_double(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE);
}

void depthwise_s8_dsp_double_relu(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void depthwise_s8_dsp_half_even(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void depthwise_s8_dsp_half_up(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_UP);
}
