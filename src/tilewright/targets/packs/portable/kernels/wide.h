/// Kernels around 16-bit activations; the meaning is in src/tilewright/ops/wide.py.
#pragma once

#include "tilewright.h"

/// One work item is one output pixel. Operands have elements of 1 or 2 bytes.
typedef struct {
  const void *x;             // [batch][in_h][in_w][in_c], or [batch][in_c][in_h][in_w]
  const void *w;             // [out_c][kernel_h][kernel_w][in_c / groups]
  const int32_t *bias;       // [2][out_c]: low words, high words
  const int32_t *multiplier; // [out_c] or [1]
  const int8_t *shift;       // [out_c] or [1]
  void *y;                   // [batch][out_h][out_w][out_c]
  int32_t in_h, in_w, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left, dilation_h, dilation_w;
  int32_t in_c, out_c, groups;
  int32_t is_channels_first;
  int32_t x_bytes, w_bytes, y_bytes;
  int32_t x_zero; // what padding reads
  int32_t y_zero, low, high;
  int32_t table_step; // 1: one multiplier and shift per channel, 0: one for all
  int32_t is_reduced; // 1: 16-bit multipliers, one rounding; 0: as TW_ROUND_DOUBLE
} wide_conv2d_args;

/// Scratch: [kernel_h * kernel_w * in_c / groups] int16, a patch.
void wide_conv2d(const void *args, tw_work work);

/// Work items are elements of the output. Strides as in broadcast.h.
typedef struct {
  const void *a;
  const void *b;
  void *y;                // may be a or b where that is not repeated and has elements as large
  int32_t n1, n2, n3;     // extents of the output
  int32_t a0, a1, a2, a3; // elements from one index to the next; 0 where repeated
  int32_t b0, b1, b2, b3;
  int32_t a_bytes, b_bytes, y_bytes;
  int32_t a_zero, b_zero, y_zero;
  int32_t bits; // summands are shifted left by it
  int32_t a_multiplier, a_shift;
  int32_t b_multiplier, b_shift; // a multiplier below 0 subtracts
  int32_t multiplier, shift;
  int32_t low, high;
} wide_add_args;

void wide_add(const void *args, tw_work work);

/// As wide_add.
typedef struct {
  const void *a;
  const void *b;
  void *y;
  int32_t n1, n2, n3;
  int32_t a0, a1, a2, a3;
  int32_t b0, b1, b2, b3;
  int32_t a_bytes, b_bytes, y_bytes;
  int32_t a_zero, b_zero, y_zero;
  int32_t multiplier, shift;
  int32_t low, high;
} wide_mul_args;

void wide_mul(const void *args, tw_work work);

/// Work items are elements.
typedef struct {
  const void *x;
  void *y;                  // may be x where elements are as large
  int32_t x_bytes, y_bytes; // y: 1, 2 or 4
  int32_t x_zero, y_zero;
  int32_t multiplier, shift;
  int32_t low, high;
} wide_rescale_args;

void wide_rescale(const void *args, tw_work work);
