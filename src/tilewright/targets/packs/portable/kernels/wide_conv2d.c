#include "wide.h"
#include "wide_elements.h"

enum { EXACT = 256 }; // products of 16 by 8 bits whose sum fits 32 bits

/// Elements of x from one index of each dimension to the next.
typedef struct {
  int32_t image, row, column, channel;
} wide_strides;

static wide_strides wide_layout(const wide_conv2d_args *a) {
  const int32_t plane = a->in_h * a->in_w;
  if (a->is_channels_first) {
    return (wide_strides){plane * a->in_c, a->in_w, 1, plane};
  }
  return (wide_strides){plane * a->in_c, a->in_w * a->in_c, a->in_c, 1};
}

/// The window of a pixel for the group that starts at element `at` of its image.
static void wide_gather(const wide_conv2d_args *a, const wide_strides *s, int32_t pixel, int32_t at,
                        int16_t *patch) {
  const int32_t depth = a->in_c / a->groups, line = pixel / a->out_w;
  const int32_t top = line % a->out_h * a->stride_h - a->pad_top;
  const int32_t left = pixel % a->out_w * a->stride_w - a->pad_left;
  for (int32_t i = 0; i < a->kernel_h; i++) {
    const int32_t row = top + i * a->dilation_h;
    for (int32_t j = 0; j < a->kernel_w; j++) {
      const int32_t column = left + j * a->dilation_w;
      const int32_t is_inside = row >= 0 && row < a->in_h && column >= 0 && column < a->in_w;
      const int32_t from = is_inside ? at + row * s->row + column * s->column : 0;
      for (int32_t c = 0; c < depth; c++) {
        *patch++ =
            (int16_t)(is_inside ? wide_load(a->x, a->x_bytes, from + c * s->channel) : a->x_zero);
      }
    }
  }
}

static int64_t wide_dot_s8(const int16_t *x, const int8_t *w, int32_t length) {
  int64_t total = 0;
  for (int32_t first = 0; first < length; first += EXACT) {
    const int32_t stop = tw_min(first + EXACT, length);
    int32_t sum = 0;
    for (int32_t i = first; i < stop; i++) {
      sum += x[i] * w[i];
    }
    total += sum;
  }
  return total;
}

static int64_t wide_dot_s16(const int16_t *x, const int16_t *w, int32_t length) {
  int64_t total = 0;
  for (int32_t i = 0; i < length; i++) {
    total += x[i] * w[i];
  }
  return total;
}

static int32_t wide_scaled(const wide_conv2d_args *a, int64_t acc, int32_t channel) {
  const int32_t multiplier = a->multiplier[channel * a->table_step];
  const int32_t shift = a->shift[channel * a->table_step];
  if (a->is_reduced) {
    const int64_t half = (int64_t)1 << (shift - 1);
    const int64_t scaled = tw_shift_right_64(acc * multiplier + half, shift);
    return wide_finish(scaled, a->y_zero, a->low, a->high);
  }
  const int32_t scaled = tw_rescale((int32_t)acc, multiplier, shift, TW_ROUND_DOUBLE);
  return wide_finish(scaled, a->y_zero, a->low, a->high);
}

void wide_conv2d(const void *args, tw_work work) {
  const wide_conv2d_args *const a = args;
  const wide_strides strides = wide_layout(a);
  const int32_t outputs = a->out_c / a->groups, depth = a->in_c / a->groups;
  const int32_t length = a->kernel_h * a->kernel_w * depth;
  const int32_t *const high = a->bias + a->out_c;
  int16_t *const patch = work.scratch;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t image = pixel / (a->out_h * a->out_w) * strides.image;
    for (int32_t o = 0; o < a->out_c; o++) {
      if (o % outputs == 0) {
        wide_gather(a, &strides, pixel, image + o / outputs * depth * strides.channel, patch);
      }
      const int64_t sum = a->w_bytes == 1
                              ? wide_dot_s8(patch, (const int8_t *)a->w + o * length, length)
                              : wide_dot_s16(patch, (const int16_t *)a->w + o * length, length);
      const int64_t bias = high[o] * ((int64_t)1 << 32) + (uint32_t)a->bias[o];
      wide_store(a->y, a->y_bytes, pixel * a->out_c + o, wide_scaled(a, sum + bias, o));
    }
  }
}
