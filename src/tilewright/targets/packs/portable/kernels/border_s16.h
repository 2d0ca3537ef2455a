/// The borders of int16 values: from real numbers and to them.
#pragma once

#include "tilewright.h"

/// y[i] = clip(round_half_away(x[i] / scale) + zero_point); NaN gives zero_point.
typedef struct {
  const float *x;     // [size]
  int16_t *y;         // [size]
  int32_t zero_point; // -32768 .. 32767
  float scale;        // > 0
} quantize_s16_tflite_args;

/// y[i] = scale * (x[i] - zero_point) in float32.
typedef struct {
  const int16_t *x;   // [size]
  float *y;           // [size]
  int32_t zero_point; // -32768 .. 32767
  float scale;        // > 0
} dequantize_s16_args;

/// Work items are elements.
void quantize_s16_tflite(const void *args, tw_work work);
void dequantize_s16(const void *args, tw_work work);
