/// What the normalisations of the integer dialect share.
#pragma once

#include <stdint.h>

/// value * scale / root, towards zero; |value| < 2**9, root > 0. In 32 bits where they hold it.
static inline int64_t truncated_norm_scaled(int32_t value, int32_t scale, int32_t root) {
  const int64_t product = (int64_t)value * scale;
  return product == (int32_t)product ? (int32_t)product / root : product / root;
}
