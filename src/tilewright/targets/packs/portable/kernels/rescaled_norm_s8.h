/// Layer and RMS normalisation of int8 rows in integers; the meaning is RescaledNorm in
/// src/tilewright/ops/norm_onnx.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;               // [rows][length]
  const int32_t *scale;          // [length]
  const int32_t *bias;           // [length], zero point and half a step included
  int8_t *y;                     // [rows][length]; may be x itself
  int32_t length;                // at most 2**14
  int32_t is_centred;            // 1: the mean is subtracted, 0: x_zero is
  int32_t x_zero;                // zero point of x
  int32_t epsilon_high, epsilon; // what is added to a row's squares: high * 2**31 + low
  int32_t fraction_bits;         // of those squares; even
  int32_t guard;                 // bits that a normalised value needs before its point
  int32_t output_shift;          // fraction bits of the bias
} rescaled_norm_s8_args;

/// Work items are rows.
void rescaled_norm_s8(const void *args, tw_work work);
