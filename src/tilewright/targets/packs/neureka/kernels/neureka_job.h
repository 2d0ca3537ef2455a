/// Kernels of N-EUREKA. Each returns while its job runs, or waits behind the one that runs: the
/// engine has room for two. A job is over when the engine raises its event and has none left.
#pragma once

#include "tilewright.h"

/// Where data lies, then the words of the job that are no addresses, in the order of its registers.
typedef struct {
  const void *x;
  const uint8_t *w;
  const int32_t *bias;
  const int32_t *multiplier;
  const uint8_t *shift;
  void *y;
  int32_t before; // bytes from where the input pointer points to the first pixel: padding
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
} neureka_args;

/// int8 convolution: 3x3, or 1x1 with any stride.
void conv2d_neureka(const void *args, tw_work work);
/// int8 depthwise convolution: 3x3.
void depthwise_neureka(const void *args, tw_work work);
/// int8 dense layer: every vector is a pixel of an image.
void dense_neureka(const void *args, tw_work work);
/// int8 dense layer of one vector: each ninth of it is a pixel of a 3x3 image.
void dense_vector_neureka(const void *args, tw_work work);
