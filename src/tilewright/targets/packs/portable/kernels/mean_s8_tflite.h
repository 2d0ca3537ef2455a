/// Mean over up to two groups of dimensions under the tflite contract; the meaning is QMean in
/// src/tilewright/ops/mean_tflite.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x; // [kept0][reduced0][kept1][reduced1][kept2]
  int8_t *y;       // [kept0][kept1][kept2]
  int32_t reduced0, kept1, reduced1, kept2;
  int32_t x_zero, y_zero;    // zero points
  int32_t multiplier, shift; // of a sum, the division by the count included; see ops/rescale.py
  int32_t low, high;         // clip range of the output, within int8
} mean_s8_tflite_args;

/// Work items are elements of the output.
void mean_s8_tflite(const void *args, tw_work work);
