/// int8 from int32 sums; the meaning is RescaleSums in src/tilewright/ops/requantise.py.
#pragma once

#include "tilewright.h"

/// One work item is one row of x.
typedef struct {
  const int32_t *x;          // [rows][channels]
  const int32_t *multiplier; // [channels] or [1]
  const int32_t *shift;      // [channels] or [1]
  int8_t *y;                 // [rows][channels]; may start where x does
  int32_t channels;
  int32_t y_zero;     // zero point of the output
  int32_t low, high;  // clip range of the output, within int8
  int32_t table_step; // 1: one multiplier and shift per channel, 0: one for all
} rescale_sums_s8_args;

void rescale_sums_s8_double(const void *args, tw_work work);
void rescale_sums_s8_half_even(const void *args, tw_work work);
void rescale_sums_s8_half_up(const void *args, tw_work work);
