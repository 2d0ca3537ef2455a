/// Products of int8 values with Helium; the meaning is QMul in
/// src/tilewright/ops/arithmetic_tflite.py and RescaledMul in
/// src/tilewright/ops/arithmetic_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *a;           // [a_rows ? rows : 1][a_columns ? columns : 1]
  const int8_t *b;           // likewise
  int8_t *y;                 // [rows][columns]; may be a or b where that is not repeated
  int32_t columns;           // elements of a row
  int32_t a_rows, a_columns; // elements from a row or column to the next; 0 where one is repeated
  int32_t b_rows, b_columns;
  int32_t a_zero, b_zero, y_zero; // zero points
  int32_t multiplier, shift;      // of a product, as helium_rescale wants them
  int32_t low, high;              // clip range of the output, within int8
} mul_helium_args;

/// Work items are elements of the output.
void mul_helium_double(const void *args, tw_work work);
void mul_helium_half_even(const void *args, tw_work work);
