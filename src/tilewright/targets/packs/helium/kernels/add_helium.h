/// Sums of int8 values under the tflite contract with Helium; the meaning is QAdd in
/// src/tilewright/ops/arithmetic_tflite.py.
#pragma once

#include "tilewright.h"

/// One operand, called `half` whichever it is, has the larger scale: its multiplier is 1/2.
typedef struct {
  const int8_t *a;                 // [size]
  const int8_t *b;                 // [size]
  int8_t *y;                       // [size]; may be a or b
  int32_t half_is_a;               // 1: a has the larger scale, 0: b has
  int32_t half_zero;               // its zero point
  int32_t other_zero;              // the other operand's zero point
  int32_t other_multiplier;        // its factor to the common scale
  int32_t other_shift;             // <= 0
  int32_t other_has_negative_ties; // 1: rescaling it meets ties below zero
  int32_t y_zero;                  // zero point of the output
  int32_t multiplier, shift;       // from the common scale to the output's; shift <= 0
  int32_t low, high;               // clip range of the output, within int8
} add_helium_args;

/// Work items are elements.
void add_helium(const void *args, tw_work work);
