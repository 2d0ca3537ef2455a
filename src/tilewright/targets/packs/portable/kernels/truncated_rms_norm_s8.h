/// RMS normalisation of the integer dialect; the meaning is TruncatedRmsNorm in
/// src/tilewright/ops/norm_pulp.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;      // [rows][length]
  const int32_t *scale; // [length]
  int8_t *y;            // [rows][length]; may be x itself
  int32_t length;       // at most 2**15
  int32_t x_zero;       // what x holds for zero
  int32_t shift;        // of the scaled row
} truncated_rms_norm_s8_args;

/// Work items are rows.
void truncated_rms_norm_s8(const void *args, tw_work work);
