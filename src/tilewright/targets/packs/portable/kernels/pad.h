/// A constant border around a tensor of up to six dimensions.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;                                              // [in0] .. [in5]
  int8_t *y;                                                    // [out0] .. [out5]
  int32_t out0, out1, out2, out3, out4, out5;                   // extents of y
  int32_t before0, before1, before2, before3, before4, before5; // border before x, in elements
  int32_t in0, in1, in2, in3, in4, in5;                         // extents of x
  int32_t value;                                                // -128 .. 127
} pad_s8_args;

typedef struct {
  const float *x;
  float *y;
  int32_t out0, out1, out2, out3, out4, out5;
  int32_t before0, before1, before2, before3, before4, before5;
  int32_t in0, in1, in2, in3, in4, in5;
  float value;
} pad_f32_args;

/// Work items are rows of y: its last dimension.
void pad_s8(const void *args, tw_work work);
void pad_f32(const void *args, tw_work work);
