/// Softmax of int16 rows under the tflite contract; the meaning is in
/// src/tilewright/ops/wide_softmax.py.
#pragma once

#include "tilewright.h"

/// Work items are rows.
typedef struct {
  const int16_t *x;           // [rows][length]
  const int16_t *exps;        // [513]
  const int16_t *reciprocals; // [513]
  int16_t *y;                 // [rows][length]; may be x itself
  int32_t length;
  int32_t multiplier, shift;
} wide_softmax_args;

void wide_softmax(const void *args, tw_work work);
