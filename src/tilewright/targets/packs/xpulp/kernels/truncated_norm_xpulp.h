/// Layer and RMS normalisation of the integer dialect for XpulpV2; the meaning is
/// TruncatedLayerNorm and TruncatedRmsNorm in src/tilewright/ops/norm_pulp.py.
#pragma once

#include "tilewright.h"

/// Work items are parts of rows.
typedef struct {
  const int8_t *x;      // [rows][length]
  const int32_t *scale; // [length]; products with x stay in int32
  const int32_t *bias;  // [length]
  int8_t *y;            // [rows][length]
  int32_t length;       // at most 2**15
  int32_t x_zero;       // what x holds for zero
  int32_t shift;        // of the scaled row, 0 .. 24
  int32_t parts, step;  // of a row, and elements of one
} truncated_norm_xpulp_args;

/// The same without a bias.
typedef struct {
  const int8_t *x;
  const int32_t *scale;
  int8_t *y;
  int32_t length, x_zero, shift, parts, step;
} truncated_rms_norm_xpulp_args;

void truncated_layer_norm_xpulp(const void *args, tw_work work);
void truncated_rms_norm_xpulp(const void *args, tw_work work);
