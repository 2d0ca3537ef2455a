#include "conv2d_f32.h"

#include "products_f32.h"
#include "window2d.h"

/// One output pixel of one group; x is its input image, from the group's first channel on.
static void conv2d_pixel(const conv2d_f32_args *a, const float *x, tw_taps rows, tw_taps columns,
                         const float *w, const float *bias, float *y) {
  const int32_t block = a->kernel_h * a->kernel_w * a->depth * F32_LANES;
  for (int32_t first = 0; first < a->outputs; first += F32_LANES) {
    float sum[F32_LANES] = {0.0F};
    for (int32_t i = rows.first; i < rows.stop; i++) {
      const float *const line = x + (rows.origin + i * a->dilation_h) * a->step_h;
      for (int32_t j = columns.first; j < columns.stop; j++) {
        const float *const from = line + (columns.origin + j * a->dilation_w) * a->step_w;
        const float *const tap = w + (i * a->kernel_w + j) * a->depth * F32_LANES;
        accumulate_f32(sum, from, a->step_c, tap, a->depth);
      }
    }
    finish_f32(y + first, sum, bias + first, tw_min(F32_LANES, a->outputs - first), a->low,
               a->high);
    w += block;
  }
}

void conv2d_f32(const void *args, tw_work work) {
  const conv2d_f32_args *const a = args;
  const int32_t blocks = (a->outputs + F32_LANES - 1) / F32_LANES;
  const int32_t group_weights = blocks * F32_LANES * a->kernel_h * a->kernel_w * a->depth;
  for (int32_t pixel = work.start; pixel < work.stop; pixel++) {
    const int32_t column = pixel % a->out_w, line = pixel / a->out_w;
    const tw_taps rows = tw_taps_inside(line % a->out_h, a->stride_h, a->pad_top, a->kernel_h,
                                        a->dilation_h, a->in_h);
    const tw_taps columns =
        tw_taps_inside(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
    const float *const image = a->x + line / a->out_h * a->step_n;
    for (int32_t g = 0; g < a->groups; g++) {
      const int32_t first = g * a->outputs;
      conv2d_pixel(a, image + g * a->depth * a->step_c, rows, columns, a->w + g * group_weights,
                   a->bias + first, a->y + pixel * a->groups * a->outputs + first);
    }
  }
}
