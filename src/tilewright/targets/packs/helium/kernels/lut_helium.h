/// Any function of one int8 value with Helium; the meaning is Lut in src/tilewright/ops/lut.py.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;     // [size]
  const int8_t *table; // [256], indexed by x + 128
  int8_t *y;           // [size]; may be x itself
} lut_helium_args;

/// Work items are elements.
void lut_helium(const void *args, tw_work work);
