/// Softmax of int8 rows by a table of exponentials, rounded half up; the meaning is TableSoftmax in
/// src/tilewright/ops/softmax_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;      // [rows][length]
  const int32_t *table; // [256] exponentials by largest - x; entry 0 is 2**bits
  int8_t *y;            // [rows][length]; may be x itself
  int32_t length;       // length * 2**bits < 2**31
  int32_t bits;
  int32_t multiplier; // the output's scale is 2**(32 + shift - bits) / multiplier
  int32_t shift;      // 1 .. 30: of the upper word of products
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
} table_softmax_xpulp_args;

/// Work items are rows. Scratch: [length] int32, exponentials of the row that is worked on.
void table_softmax_xpulp(const void *args, tw_work work);
