#include "arm_nnfunctions.h"
#include "cmsis_nn_s8.h"

/// The scratch that CMSIS-NN wants differs from release to release: stop rather than write further.
static void stop_unless(int fits) {
  if (!fits) {
    __builtin_trap();
  }
}

void cmsis_conv2d_s8(const void *args, tw_work work) {
  const cmsis_window_args *const a = args;
  const cmsis_nn_context context = {.buf = work.scratch, .size = a->scratch_bytes};
  const cmsis_nn_conv_params layer = {
      .input_offset = -a->x_zero,
      .output_offset = a->y_zero,
      .stride = {.w = a->stride_w, .h = a->stride_h},
      .padding = {.w = a->pad_left, .h = a->pad_top},
      .dilation = {.w = a->dilation_w, .h = a->dilation_h},
      .activation = {.min = a->low, .max = a->high},
  };
  // The interface has no const here; the tables are only read.
  const cmsis_nn_per_channel_quant_params scale = {
      .multiplier = (int32_t *)(uintptr_t)a->multiplier, .shift = (int32_t *)(uintptr_t)a->shift};
  const cmsis_nn_dims in = {.n = a->batch, .h = a->in_h, .w = a->in_w, .c = a->in_c};
  const cmsis_nn_dims filter = {.n = a->out_c, .h = a->kernel_h, .w = a->kernel_w, .c = a->in_c};
  const cmsis_nn_dims bias = {.n = 1, .h = 1, .w = 1, .c = a->out_c};
  const cmsis_nn_dims out = {.n = a->batch, .h = a->out_h, .w = a->out_w, .c = a->out_c};
  if (work.start >= work.stop) {
    return;
  }
  const int32_t wanted = arm_convolve_wrapper_s8_get_buffer_size(&layer, &in, &filter, &out);
  stop_unless(wanted <= a->scratch_bytes);
  stop_unless(arm_convolve_wrapper_s8(&context, &layer, &scale, &in, a->x, &filter, a->w, &bias,
                                      a->bias, &out, a->y) == ARM_CMSIS_NN_SUCCESS);
}
