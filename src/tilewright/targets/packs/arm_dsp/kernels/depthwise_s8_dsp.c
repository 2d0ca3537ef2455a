/// Depthwise convolution, four channels of a pixel at a time: ten instructions per element of the
/// window, two loads, four SXTB16 and four SMLABB or SMLATT; eight where the weights are stored as
/// int16, as they are where there are few, and thus many pixels to use them for.
///
/// A window that reaches beyond the input is copied and padded first. Four channels are written
/// when they have been read, before the next four are read. Odd channels are computed with those
/// before them as a last four, of which only they are written: the others' inputs may be gone.
#include "depthwise_s8_dsp_windows.h"

/// Output columns [work.start, work.stop) of one line of output.
DSP_INLINE void depthwise_s8_dsp_line(const depthwise_s8_dsp_args *a, int32_t line, tw_work work,
                                      dsp_way way, depthwise_s8_dsp_kind kind) {
  const int32_t channels = a->channels, stride = a->in_w * channels, image_number = line / a->out_h;
  const int32_t top = (line - image_number * a->out_h) * a->stride_h - a->pad_top;
  const int8_t *const image = a->x + image_number * a->in_h * stride;
  const int32_t height = depthwise_s8_dsp_extent(a->kernel_h, a->dilation_h, kind);
  const int32_t is_within = top >= 0 && top + height <= a->in_h;
  depthwise_s8_dsp_pixels p;
  p.y = a->y + (line * a->out_w + work.start) * channels;
  p.zero = a->y_zero;
  p.first = a->w;
  p.all_fours = channels / 4;
  p.odd = channels % 4;
  p.skip = (a->stride_w - 1) * channels;
  p.parked = NULL;
  for (int32_t column = work.start, pixels; column < work.stop; column += pixels) {
    const int32_t left = column * a->stride_w - a->pad_left;
    int8_t *const y = p.y;
    pixels = is_within ? depthwise_s8_dsp_inside(a, left, work.stop - column, kind) : 0;
    if (pixels == 0) {
      depthwise_s8_dsp_gather(a, image, top, left, work.scratch, kind);
      p.x = work.scratch;
      depthwise_s8_dsp_walk(a, &p, channels, a->kernel_w * channels, kind);
      pixels = 1;
    } else {
      p.x = image + (top * stride + left * channels);
      const int32_t has_holes = kind == DEPTHWISE_S8_DSP_ANY;
      depthwise_s8_dsp_walk(a, &p, has_holes ? a->dilation_w * channels : channels,
                            has_holes ? a->dilation_h * stride : stride, kind);
    }
    p.block = p.first;
    p.fours = p.all_fours;
    p.pixels = pixels;
    depthwise_s8_dsp_channels(&p, a->is_wide, way, kind);
    dsp_clip(y, pixels * channels, a->low, a->high);
  }
}

DSP_INLINE void depthwise_s8_dsp_core(const void *args, tw_work work, dsp_way way,
                                      depthwise_s8_dsp_kind kind) {
  const depthwise_s8_dsp_args *a = args;
  for (int32_t pixel = work.start; pixel < work.stop;) {
    const int32_t line = pixel / a->out_w, first = line * a->out_w;
    tw_work columns = work;
    columns.start = pixel - first;
    columns.stop = tw_min(work.stop - first, a->out_w);
    depthwise_s8_dsp_line(a, line, columns, way, kind);
    pixel = first + columns.stop;
  }
}

void depthwise_s8_dsp_double(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE, DEPTHWISE_S8_DSP_3X3);
}

void depthwise_s8_dsp_double_relu(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE_RELU, DEPTHWISE_S8_DSP_3X3);
}

void depthwise_s8_dsp_half_even(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_EVEN, DEPTHWISE_S8_DSP_3X3);
}

void depthwise_s8_dsp_half_up(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_UP, DEPTHWISE_S8_DSP_3X3);
}

void depthwise_s8_dsp_any_double(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE, DEPTHWISE_S8_DSP_ANY);
}

void depthwise_s8_dsp_any_double_relu(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_DOUBLE_RELU, DEPTHWISE_S8_DSP_ANY);
}

void depthwise_s8_dsp_any_half_even(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_EVEN, DEPTHWISE_S8_DSP_ANY);
}

void depthwise_s8_dsp_any_half_up(const void *args, tw_work work) {
  depthwise_s8_dsp_core(args, work, DSP_HALF_UP, DEPTHWISE_S8_DSP_ANY);
}
