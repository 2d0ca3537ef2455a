/// Sums of int8 values under the tflite contract; the meaning is QAdd in
/// src/tilewright/ops/arithmetic_tflite.py, without broadcasting, one operand having the common
/// scale.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *a;                       // [items]
  const int8_t *b;                       // [items]
  int8_t *y;                             // [items]; may be a or b
  int32_t half_is_a;                     // 1: a has the common scale, 0: b has
  int32_t half_offset;                   // minus its zero point, on the common scale
  int32_t other_offset;                  // minus the other's zero point times 2**21
  int32_t other_multiplier, other_shift; // to the common scale; shift in [0, 31] to the right
  int32_t multiplier, shift;             // as dsp_rescale_double wants them
  int32_t y_zero;                        // zero point of the output
  int32_t low, high;                     // clip range of the output, within int8
} add_s8_dsp_args;

/// Work items are elements of the output.
void add_s8_dsp_tflite(const void *args, tw_work work);
