/// Depthwise convolution with several output channels per input channel, of which there are four
/// or more: the loop of depthwise_s8_dsp.c, which meets the same four input channels once for each
/// output channel of theirs. Weights are int16: eight instructions per four products.
///
/// Outputs of up to four neighbouring pixels are kept until all that these read has been read: they
/// come by fours of input channels, and are put in their order afterwards.
#include "depthwise_s8_dsp_windows.h"

enum { DEPTHWISE_TIMES_RUN = 4 }; // pixels whose outputs are kept; depthwise_times_s8.py knows it

/// One window, or neighbouring ones, of four channels: `times` outputs of each. `way` must be a
/// constant.
DSP_INLINE void depthwise_times_s8_dsp_fours(depthwise_s8_dsp_pixels *p, int32_t is_3x3,
                                             dsp_way way) {
  const depthwise_s8_dsp_form nines = {way == DSP_DOUBLE, 1, 0}, any = {way == DSP_DOUBLE, 0, 0};
  while (p->pixels > 0) {
    if (is_3x3) {
      depthwise_s8_dsp_next_fours(p, 1, nines);
    } else {
      depthwise_s8_dsp_next_fours(p, 1, any);
    }
    if (p->pixels > 0) {
      depthwise_s8_dsp_write(p, way);
      depthwise_s8_dsp_advance(p);
    }
  }
}

/// Bytes [times][4] of four channels as [4][times]; `times` is even. Two outputs of a channel go
/// together.
static inline void depthwise_times_s8_dsp_twos(const int8_t *four, int32_t times, int8_t *y) {
  const uint32_t every_second = 0x00ff00ff;
  for (int32_t t = 0; t < times; t += 2, four += 8, y += 2) {
    const uint32_t one = dsp_load(four), two = dsp_load(four + 4);
    const uint32_t even = (one & every_second) | (two & every_second) << 8;
    const uint32_t odd = (one >> 8 & every_second) | (two & ~every_second);
    const uint16_t pairs[4] = {(uint16_t)even, (uint16_t)odd, (uint16_t)(even >> 16),
                               (uint16_t)(odd >> 16)};
    int8_t *to = y;
    for (int32_t i = 0; i < 4; i++, to += times) {
      memcpy(to, pairs + i, sizeof pairs[i]);
    }
  }
}

/// Channels from the one given on of bytes [times][4], as [..][times].
static inline void depthwise_times_s8_dsp_ones(const int8_t *four, int32_t first, int32_t times,
                                               int8_t *y) {
  for (int32_t i = first; i < 4; i++) {
    const int8_t *from = four + i;
    for (int32_t t = times; t > 0; t--, from += 4) {
      *y++ = *from;
    }
  }
}

/// Bytes [ceil(channels / 4)][pixels][times][4], the last four being the last four channels, as
/// [pixels][channels][times].
DSP_TILE static void depthwise_times_s8_dsp_order(const depthwise_s8_dsp_args *a, int32_t pixels,
                                                  const int8_t *fours, int8_t *y) {
  const int32_t times = a->times, block = pixels * 4 * times;
  for (int32_t pixel = 0; pixel < pixels; pixel++, fours += 4 * times) {
    const int8_t *four = fours;
    for (int32_t left = a->channels; left > 0; left -= 4, four += block) {
      const int32_t count = tw_min(left, 4);
      if (count < 4 || times % 2) {
        depthwise_times_s8_dsp_ones(four, 4 - count, times, y);
      } else {
        depthwise_times_s8_dsp_twos(four, times, y);
      }
      y += count * times;
    }
  }
}

/// `pixels` windows from p->x on, whose strides `p` has.
DSP_INLINE void depthwise_times_s8_dsp_pixels(const depthwise_s8_dsp_args *a,
                                              depthwise_s8_dsp_pixels *p, int32_t pixels,
                                              int8_t *kept, int8_t *y, dsp_way way) {
  const int8_t *const x = p->x;
  const int32_t taps = a->kernel_h * a->kernel_w;
  p->y = kept;
  p->back = p->rows * p->row;
  for (int32_t c = 0; c < a->channels; c += 4) {
    p->x = x + tw_min(c, a->channels - 4);
    p->block = p->first = a->w + c / 4 * a->times * (4 + 2 * taps + 2 * DSP_TAIL_WORDS);
    p->fours = a->times;
    p->pixels = pixels;
    depthwise_times_s8_dsp_fours(p, a->kernel_h == 3 && a->kernel_w == 3, way);
  }
  depthwise_times_s8_dsp_order(a, pixels, kept, y);
  dsp_clip(y, pixels * a->channels * a->times, a->low, a->high);
}

/// Output columns [work.start, work.stop) of one line of output. `way` must be a constant.
DSP_INLINE void depthwise_times_s8_dsp_line(const depthwise_s8_dsp_args *a, int32_t line,
                                            tw_work work, dsp_way way) {
  const depthwise_s8_dsp_kind kind = DEPTHWISE_S8_DSP_ANY;
  const int32_t channels = a->channels, stride = a->in_w * channels, image_number = line / a->out_h;
  const int32_t top = (line - image_number * a->out_h) * a->stride_h - a->pad_top;
  const int8_t *const image = a->x + image_number * a->in_h * stride;
  const int32_t is_within =
      top >= 0 && top + depthwise_s8_dsp_extent(a->kernel_h, a->dilation_h, kind) <= a->in_h;
  int8_t *const window = work.scratch, *const kept = window + a->window_bytes;
  depthwise_s8_dsp_pixels p = {
      .zero = a->y_zero, .all_fours = a->times, .skip = a->stride_w * channels};
  for (int32_t column = work.start, pixels; column < work.stop; column += pixels) {
    const int32_t left = column * a->stride_w - a->pad_left;
    const int32_t most = tw_min(work.stop - column, DEPTHWISE_TIMES_RUN);
    pixels = is_within ? depthwise_s8_dsp_inside(a, left, most, kind) : 0;
    if (pixels == 0) {
      depthwise_s8_dsp_gather(a, image, top, left, window, kind);
      p.x = window;
      depthwise_s8_dsp_walk(a, &p, channels, a->kernel_w * channels, kind);
      pixels = 1;
    } else {
      p.x = image + (top * stride + left * channels);
      depthwise_s8_dsp_walk(a, &p, a->dilation_w * channels, a->dilation_h * stride, kind);
    }
    int8_t *const y = a->y + (line * a->out_w + column) * channels * a->times;
    depthwise_times_s8_dsp_pixels(a, &p, pixels, kept, y, way);
  }
}

DSP_INLINE void depthwise_times_s8_dsp_core(const void *args, tw_work work, dsp_way way) {
  const depthwise_s8_dsp_args *a = args;
  for (int32_t pixel = work.start; pixel < work.stop;) {
    const int32_t line = pixel / a->out_w, first = line * a->out_w;
    tw_work columns = work;
    columns.start = pixel - first;
    columns.stop = tw_min(work.stop - first, a->out_w);
    depthwise_times_s8_dsp_line(a, line, columns, way);
    pixel = first + columns.stop;
  }
}

void depthwise_s8_dsp_times_2_double(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE);
}

void depthwise_s8_dsp_times_2_double_relu(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void depthwise_s8_dsp_times_2_half_even(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void depthwise_s8_dsp_times_2_half_up(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_UP);
}

void depthwise_s8_dsp_times_3_double(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE);
}

void depthwise_s8_dsp_times_3_double_relu(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void depthwise_s8_dsp_times_3_half_even(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void depthwise_s8_dsp_times_3_half_up(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_UP);
}

void depthwise_s8_dsp_times_4_double(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE);
}

void depthwise_s8_dsp_times_4_double_relu(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void depthwise_s8_dsp_times_4_half_even(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void depthwise_s8_dsp_times_4_half_up(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_UP);
}

void depthwise_s8_dsp_times_8_double(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE);
}

void depthwise_s8_dsp_times_8_double_relu(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void depthwise_s8_dsp_times_8_half_even(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void depthwise_s8_dsp_times_8_half_up(const void *args, tw_work work) {
  depthwise_times_s8_dsp_core(args, work, DSP_HALF_UP);
}
