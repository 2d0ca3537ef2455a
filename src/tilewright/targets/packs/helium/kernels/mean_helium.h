/// Mean of int8 values over one group of neighbouring dimensions with Helium; the meaning is QMean
/// in src/tilewright/ops/mean_tflite.py and RescaledMean in src/tilewright/ops/pool_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x; // [outer][count][inner]
  int8_t *y;       // [outer][inner]
  int32_t count, inner;
  int32_t x_zero, y_zero;    // zero points
  int32_t multiplier, shift; // of a sum, as helium_rescale wants them
  int32_t low, high;         // clip range of the output, within int8
} mean_helium_args;

/// Work items are elements of the output.
void mean_helium_double(const void *args, tw_work work);
void mean_helium_half_even(const void *args, tw_work work);
