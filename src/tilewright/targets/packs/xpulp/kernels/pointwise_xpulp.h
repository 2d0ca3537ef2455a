/// Tables of 256 and products under the pulp contract, for XpulpV2. Meanings: Lut in
/// src/tilewright/ops/lut.py, MappedMul in mapped_pulp.py, RescaledMul in arithmetic_onnx.py.
#pragma once

#include "lut_s8.h"
#include "mapped_s8.h"

/// As mapped_mul_s8_args, without a table.
typedef struct {
  const int8_t *a;
  const int8_t *b;
  int8_t *y;
  int32_t a_zero, b_zero, y_zero, low, high, multiplier, shift;
} rescaled_mul_xpulp_args;

/// Work items are elements.
void lut_xpulp(const void *args, tw_work work);
void mapped_mul_xpulp(const void *args, tw_work work);
void rescaled_mul_xpulp(const void *args, tw_work work);
