#include "conv2d_sum_s8.h"

#include "conv2d_s8_core.h"
#include "dot_sums_s8.h"

/// What gathering a patch needs to know.
static conv2d_s8_args conv2d_sum_geometry(const conv2d_sum_s8_args *a) {
  return (conv2d_s8_args){
      .x = a->x,
      .in_h = a->in_h,
      .in_w = a->in_w,
      .in_c = a->in_c,
      .out_h = a->out_h,
      .out_w = a->out_w,
      .kernel_h = a->kernel_h,
      .kernel_w = a->kernel_w,
      .stride_h = a->stride_h,
      .stride_w = a->stride_w,
      .dilation_h = a->dilation_h,
      .dilation_w = a->dilation_w,
      .pad_top = a->pad_top,
      .pad_left = a->pad_left,
      .groups = 1,
      .is_channels_first = a->is_channels_first,
      .x_zero = a->x_zero,
  };
}

void conv2d_sum_s8(const void *args, tw_work work) {
  const conv2d_sum_s8_args *const a = args;
  int16_t *const patch = work.scratch;
  const conv2d_s8_args geometry = conv2d_sum_geometry(a);
  const conv2d_s8_strides strides = conv2d_s8_layout(&geometry);
  const dot_s8_weights weights = {a->w, a->kernel_h * a->kernel_w * a->in_c, a->w_zero};
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    conv2d_s8_gather(&geometry, &strides, pixel, 0, patch);
    dot_sums_row(patch, &weights, a->out_c, a->bias, a->adds, a->y + pixel * a->out_c);
  }
}
