/// What the specification says these layers compute, element by element, for tests of the calls.
/// Scratch is filled, as the real functions do.
#include "arm_nnfunctions.h"

#include <string.h>

/// Saturating rounding doubling high multiply, then a rounding shift to the right.
static int32_t rescale(int32_t value, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int64_t product = ((int64_t)value << left) * multiplier;
  const int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  const int32_t high = (int32_t)((product + nudge) / ((int64_t)1 << 31));
  const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
  const int32_t threshold = (mask >> 1) + (high < 0);
  return (high >> right) + ((high & mask) > threshold);
}

static int8_t output(int32_t sum, int32_t multiplier, int32_t shift, int32_t offset,
                     cmsis_nn_activation clip) {
  const int32_t value = rescale(sum, multiplier, shift) + offset;
  return (int8_t)(value < clip.min ? clip.min : value > clip.max ? clip.max : value);
}

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *layer,
                                                const cmsis_nn_dims *in,
                                                const cmsis_nn_dims *filter,
                                                const cmsis_nn_dims *out) {
  (void)layer;
  (void)in;
  (void)out;
  return 4 * filter->h * filter->w * filter->c;
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *context,
                                            const cmsis_nn_conv_params *layer,
                                            const cmsis_nn_per_channel_quant_params *scale,
                                            const cmsis_nn_dims *in, const int8_t *x,
                                            const cmsis_nn_dims *filter, const int8_t *w,
                                            const cmsis_nn_dims *bias_dims, const int32_t *bias,
                                            const cmsis_nn_dims *out, int8_t *y) {
  if (bias_dims->c != out->c || filter->n != out->c || filter->c != in->c || in->n != out->n) {
    return ARM_CMSIS_NN_ARG_ERROR;
  }
  memset(context->buf, 0x5A, (size_t)context->size);
  for (int32_t i = 0; i < out->n * out->h * out->w * out->c; ++i) {
    const int32_t o = i % out->c, column = i / out->c % out->w, row = i / out->c / out->w % out->h;
    const int32_t image = i / out->c / out->w / out->h;
    int32_t sum = bias[o];
    for (int32_t k = 0; k < filter->h * filter->w * filter->c; ++k) {
      const int32_t c = k % filter->c, kw = k / filter->c % filter->w,
                    kh = k / filter->c / filter->w;
      const int32_t h = row * layer->stride.h - layer->padding.h + kh * layer->dilation.h;
      const int32_t v = column * layer->stride.w - layer->padding.w + kw * layer->dilation.w;
      if (h >= 0 && h < in->h && v >= 0 && v < in->w) {
        const int32_t at = ((image * in->h + h) * in->w + v) * in->c + c;
        sum += (x[at] + layer->input_offset) * w[o * filter->h * filter->w * filter->c + k];
      }
    }
    y[i] =
        output(sum, scale->multiplier[o], scale->shift[o], layer->output_offset, layer->activation);
  }
  return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *layer,
                                                      const cmsis_nn_dims *in,
                                                      const cmsis_nn_dims *filter,
                                                      const cmsis_nn_dims *out) {
  (void)layer;
  (void)in;
  (void)out;
  return 2 * filter->h * filter->w * filter->c;
}

arm_cmsis_nn_status
arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *context, const cmsis_nn_dw_conv_params *layer,
                              const cmsis_nn_per_channel_quant_params *scale,
                              const cmsis_nn_dims *in, const int8_t *x, const cmsis_nn_dims *filter,
                              const int8_t *w, const cmsis_nn_dims *bias_dims, const int32_t *bias,
                              const cmsis_nn_dims *out, int8_t *y) {
  if (bias_dims->c != out->c || filter->c != out->c || in->c * layer->ch_mult != out->c) {
    return ARM_CMSIS_NN_ARG_ERROR;
  }
  memset(context->buf, 0x5A, (size_t)context->size);
  for (int32_t i = 0; i < out->n * out->h * out->w * out->c; ++i) {
    const int32_t o = i % out->c, column = i / out->c % out->w, row = i / out->c / out->w % out->h;
    const int32_t image = i / out->c / out->w / out->h;
    int32_t sum = bias[o];
    for (int32_t k = 0; k < filter->h * filter->w; ++k) {
      const int32_t h = row * layer->stride.h - layer->padding.h + k / filter->w;
      const int32_t v = column * layer->stride.w - layer->padding.w + k % filter->w;
      if (h >= 0 && h < in->h && v >= 0 && v < in->w) {
        const int32_t at = ((image * in->h + h) * in->w + v) * in->c + o / layer->ch_mult;
        sum += (x[at] + layer->input_offset) * w[k * out->c + o];
      }
    }
    y[i] =
        output(sum, scale->multiplier[o], scale->shift[o], layer->output_offset, layer->activation);
  }
  return ARM_CMSIS_NN_SUCCESS;
}
