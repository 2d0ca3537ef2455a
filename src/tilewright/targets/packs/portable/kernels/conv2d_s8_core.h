/// Convolution as matrix product over a few gathered patches: four output pixels at a time are
/// copied out of the input, widened and padded, then meet every weight row.
///
/// All reads of a block of pixels come before its writes, so output may follow input closely in
/// the same memory.
#pragma once

#include "conv2d_s8.h"
#include "dot_s8.h"

/// Strides of x in elements.
typedef struct {
  int32_t batch, row, column, channel;
} conv2d_s8_strides;

static inline conv2d_s8_strides conv2d_s8_layout(const conv2d_s8_args *a) {
  const int32_t plane = a->in_h * a->in_w;
  if (a->is_channels_first) {
    return (conv2d_s8_strides){plane * a->in_c, a->in_w, 1, plane};
  }
  return (conv2d_s8_strides){plane * a->in_c, a->in_w * a->in_c, a->in_c, 1};
}

static inline int16_t *conv2d_s8_fill(int16_t *patch, int32_t count, int32_t value) {
  for (int32_t i = 0; i < count; i++) {
    patch[i] = (int16_t)value;
  }
  return patch + count;
}

/// Appends `columns` neighbouring kernel columns of one row; all of them lie inside the input.
static inline int16_t *conv2d_s8_copy(const conv2d_s8_args *a, const conv2d_s8_strides *s,
                                      const int8_t *x, int32_t columns, int16_t *patch) {
  const int32_t channels = a->in_c / a->groups;
  if (s->channel == 1 && a->dilation_w == 1 && a->groups == 1) { // one contiguous run
    dot_widen(x, columns * channels, patch);
    return patch + columns * channels;
  }
  for (int32_t kx = 0; kx < columns; kx++, x += a->dilation_w * s->column) {
    for (int32_t c = 0; c < channels; c++) {
      *patch++ = x[c * s->channel];
    }
  }
  return patch;
}

/// Number of kernel positions in [0, kernel) before which `start + k * dilation` is below `bound`.
static inline int32_t conv2d_s8_below(int32_t start, int32_t dilation, int32_t kernel,
                                      int32_t bound) {
  const int32_t room = bound - start;
  return room <= 0 ? 0 : tw_min((room + dilation - 1) / dilation, kernel);
}

/// The window of output pixel `pixel` for one group, as [kernel_h][kernel_w][channels] int16.
static inline void conv2d_s8_gather(const conv2d_s8_args *a, const conv2d_s8_strides *s,
                                    int32_t pixel, int32_t group, int16_t *patch) {
  const int32_t channels = a->in_c / a->groups;
  const int32_t row = pixel / a->out_w;
  const int32_t top = row % a->out_h * a->stride_h - a->pad_top;
  const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
  const int8_t *x = a->x + row / a->out_h * s->batch + group * channels * s->channel;
  const int32_t before = conv2d_s8_below(left, a->dilation_w, a->kernel_w, 0);
  const int32_t inside = conv2d_s8_below(left, a->dilation_w, a->kernel_w, a->in_w) - before;
  const int32_t after = a->kernel_w - before - inside;
  for (int32_t ky = 0; ky < a->kernel_h; ky++) {
    const int32_t y = top + ky * a->dilation_h;
    if (y < 0 || y >= a->in_h) {
      patch = conv2d_s8_fill(patch, a->kernel_w * channels, a->x_zero);
      continue;
    }
    const int32_t first = left + before * a->dilation_w;
    patch = conv2d_s8_fill(patch, before * channels, a->x_zero);
    if (inside > 0) {
      patch = conv2d_s8_copy(a, s, x + y * s->row + first * s->column, inside, patch);
    }
    patch = conv2d_s8_fill(patch, after * channels, a->x_zero);
  }
}

/// Output pixels [pixels.start, pixels.stop), at most four: gather all to `patches`, then compute
/// all.
static inline void conv2d_s8_block(const conv2d_s8_args *a, const conv2d_s8_strides *s,
                                   tw_span block, int16_t *patches, tw_rounding rounding) {
  const int32_t pixel = block.start, pixels = block.stop - block.start;
  const requantise_s8_tables tables = {a->bias,   a->multiplier, a->shift, a->table_step,
                                       a->y_zero, a->low,        a->high};
  const int32_t per_group = a->out_c / a->groups;
  const int32_t length = a->kernel_h * a->kernel_w * (a->in_c / a->groups);
  const int32_t pitch = length * a->groups;
  for (int32_t p = 0; p < pixels; p++) {
    for (int32_t g = 0; g < a->groups; g++) {
      conv2d_s8_gather(a, s, pixel + p, g, patches + p * pitch + g * length);
    }
  }
  const dot_s8_weights weights = {a->w, length, a->w_zero};
  int8_t *y = a->y + pixel * a->out_c;
  for (int32_t g = 0; g < a->groups; g++) {
    const tw_span channels = {g * per_group, (g + 1) * per_group};
    const int16_t *patch = patches + g * length;
    if (pixels == DOT_PATCHES) {
      dot_s8_four_rows(patch, pitch, &weights, channels, &tables, rounding, y, a->out_c);
      continue;
    }
    for (int32_t p = 0; p < pixels; p++) {
      dot_s8_row(patch + p * pitch, &weights, channels.start, channels.stop, &tables, rounding,
                 y + p * a->out_c);
    }
  }
}

/// `patches`: pixels that are gathered together, DOT_PATCHES or 1; scratch holds so many.
static inline void conv2d_s8_core(const void *args, tw_work work, int32_t patches,
                                  tw_rounding rounding) {
  const conv2d_s8_args *a = args;
  const conv2d_s8_strides strides = conv2d_s8_layout(a);
  for (int32_t pixel = work.start; pixel < work.stop; pixel += patches) {
    const tw_span block = {pixel, tw_min(work.stop, pixel + patches)};
    conv2d_s8_block(a, &strides, block, work.scratch, rounding);
  }
}
