/// Softmax of int8 rows by a table of exponentials; the meaning is QSoftmax in
/// src/tilewright/ops/softmax_tflite.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;      // [rows][length]
  const int32_t *table; // [256] exponentials as Q0.31, by largest - x; entry 0 is 2**31 - 1
  int8_t *y;            // [rows][length], scale 1/256, zero point -128; may be x itself
  int32_t length;       // below 4096
} softmax_s8_dsp_args;

/// Work items are rows.
void softmax_s8_dsp_tflite(const void *args, tw_work work);
