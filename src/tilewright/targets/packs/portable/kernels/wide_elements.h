/// Elements of one, two or four bytes.
#pragma once

#include "tilewright.h"
#include "tw_arithmetic.h"

static inline int32_t wide_load(const void *x, int32_t bytes, int32_t at) {
  return bytes == 1 ? ((const int8_t *)x)[at] : ((const int16_t *)x)[at];
}

static inline void wide_store(void *y, int32_t bytes, int32_t at, int32_t value) {
  if (bytes == 1) {
    ((int8_t *)y)[at] = (int8_t)value;
  } else if (bytes == 2) {
    ((int16_t *)y)[at] = (int16_t)value;
  } else {
    ((int32_t *)y)[at] = value;
  }
}

/// value + zero between low and high, where the sum may leave 32 bits.
static inline int32_t wide_finish(int64_t value, int32_t zero, int32_t low, int32_t high) {
  const int64_t moved = value + zero;
  const int64_t raised = moved < low ? low : moved;
  return (int32_t)(raised > high ? high : raised);
}
