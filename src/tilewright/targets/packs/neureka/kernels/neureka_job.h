/// Kernels of N-EUREKA. Each returns while its job runs, or waits behind the one that runs: the
/// engine has room for two. A job is over when the engine raises its event and has none left.
#pragma once

#include "tilewright.h"

/// Where data lies, then the words of the job that are no addresses, in the order of its registers.
typedef struct {
  const void *x;
  const uint8_t *w;
  const int32_t *bias;               // biases, scales and, in bytes, shifts of all output channels
  const int32_t *multiplier, *shift; // not read: they are behind the biases
  void *y;
  int32_t before; // bytes from where the input pointer points to the first pixel: padding
  int32_t scales; // bytes from biases to scales, and from those to shifts
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
} neureka_args;

/// The same for two jobs: what the first one makes lies in scratch, the second one keeps some of
/// its rows and columns: it multiplies by one. Its weights, and its scales in bytes, follow the
/// others. The first one may be several, each for so many channels of a depthwise layer.
typedef struct {
  const void *x;
  const uint8_t *w;
  const int32_t *bias;
  const int32_t *multiplier, *shift;
  void *y;
  int32_t before, scales;
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
  int32_t keep_w, keep_scales; // bytes from the first job's
  int32_t keep_in_pixel, keep_in_row;
  int32_t keep_out_pixel, keep_out_row;
  int32_t keep_weight_row;
  int32_t keep_last_channels, keep_last_pixels;
  int32_t keep_channel_tiles, keep_pixel_tiles;
  int32_t keep_config;
  int32_t groups, group; // how many first jobs, and channels of each
  int32_t end_channels;  // last_channels of the last one
} neureka_strided_args;

/// The same for a narrow input, which is copied to scratch with its padding first, every row at the
/// start of 16 bytes: there a whole window is a run of bytes, and a 1x1 convolution computes it.
typedef struct {
  const void *x;
  const uint8_t *w;
  const int32_t *bias;
  const int32_t *multiplier, *shift;
  void *y;
  int32_t before, scales;
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
  int32_t copy_rows;         // of 16 bytes
  int32_t first_row, rows;   // those of them that show the input
  int32_t first_byte, bytes; // what of such a row does
  int32_t x_row;             // bytes from one row of the input to the next
  int32_t fill;              // padding, four times
} neureka_narrow_args;

/// The same for one job per 28 channels.
typedef struct {
  const void *x;
  const uint8_t *w;
  const int32_t *bias;
  const int32_t *multiplier, *shift;
  void *y;
  int32_t before, scales;
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
  int32_t groups;
  int32_t end_channels; // last_channels of the last one
} neureka_groups_args;

/// Sums of two tensors. Scratch: weights and tables, then pixels with bytes of both.
typedef struct {
  const void *a, *b;
  void *y;
  int32_t chunk;   // bytes of each tensor in a pixel
  int32_t columns; // pixels in a row
  int32_t a_weight, b_weight, multiplier;
  int32_t offset; // zero points and a half of the last bit
  int32_t last_channels, last_pixels, pixel_tiles;
  int32_t copy_config, config;
} neureka_add_args;

/// int8 convolution: 3x3, or 1x1 with any stride.
void conv2d_neureka(const void *args, tw_work work);
/// int8 depthwise convolution: 3x3.
void depthwise_neureka(const void *args, tw_work work);
/// int8 dense layer: every vector is a pixel of an image.
void dense_neureka(const void *args, tw_work work);
/// int8 dense layer of one vector: each ninth of it is a pixel of a 3x3 image.
void dense_vector_neureka(const void *args, tw_work work);
/// The first two where the 3x3 window moves by more than one: computed everywhere, some kept.
void conv2d_strided_neureka(const void *args, tw_work work);
void depthwise_strided_neureka(const void *args, tw_work work);
/// 3x3 over few channels where the window moves along by two: two columns are one pixel.
void conv2d_pairs_neureka(const void *args, tw_work work);
/// The same where more than two columns are one pixel.
void conv2d_packed_strided_neureka(const void *args, tw_work work);
/// The first two where several columns are one pixel.
void conv2d_packed_neureka(const void *args, tw_work work);
void depthwise_packed_neureka(const void *args, tw_work work);
/// int8 convolution of any window over rows of at most 16 bytes, padding included.
void conv2d_narrow_neureka(const void *args, tw_work work);
/// Depthwise 3x3 as a convolution of 28 channels at a time, with weights of zero between channels.
void depthwise_groups_neureka(const void *args, tw_work work);
/// Depthwise 3x3 that moves along by two: two columns are one pixel.
void depthwise_pairs_neureka(const void *args, tw_work work);
/// The same for at most 28 channels where the window moves by more than one.
void depthwise_few_strided_neureka(const void *args, tw_work work);
/// Sums of two int8 tensors, each times its own multiplier, rounded once.
void rescaled_add_neureka(const void *args, tw_work work);

/// Where data lies, and what all jobs over rows of a matrix have in common.
typedef struct {
  const int8_t *x;
  const uint8_t *w;
  int32_t *y;
  int32_t rows;                // pixels
  int32_t in_pixel, out_pixel; // bytes from one row to the next
  int32_t weight_row;
  int32_t last_channels, channel_tiles;
  int32_t weight_offset, config;
} sum_rows_neureka_args;

/// int32 sums of scaled rows with a matrix: lines of six pixels are one job, what is left another.
void sum_rows_neureka(const void *args, tw_work work);

/// int32 sums of one vector with a matrix: each ninth of it is a pixel of a 3x3 image.
typedef struct {
  const int8_t *x;
  const uint8_t *w;
  int32_t *y;
  int32_t before, scales;
  int32_t in_pixel, in_row;
  int32_t out_pixel, out_row;
  int32_t weight_row;
  int32_t last_channels, last_out, last_in;
  int32_t channel_tiles, pixel_tiles;
  int32_t padding, weight_offset, config;
} sum_vector_neureka_args;

void sum_vector_neureka(const void *args, tw_work work);
