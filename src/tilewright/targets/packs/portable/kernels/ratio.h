/// Quotients by a product, which small cores do faster than they divide.
#pragma once

#include <stdint.h>

/// a / b; `inverse`: UINT32_MAX / b. What is cut off makes the product's upper word too small by
/// two at most.
static inline uint32_t ratio(uint32_t a, uint32_t b, uint32_t inverse) {
  uint32_t quotient = (uint32_t)((uint64_t)a * inverse >> 32);
  uint32_t rest = a - quotient * b;
  while (rest >= b) {
    quotient++;
    rest -= b;
  }
  return quotient;
}
