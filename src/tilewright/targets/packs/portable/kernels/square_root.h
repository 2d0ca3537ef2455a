/// Integer square roots: the largest number whose square is not above x.
#pragma once

#include <stdint.h>

/// Any x. Digit by digit, from the highest power of four down.
static inline uint32_t square_root_32(uint32_t x) {
  uint32_t rest = x, root = 0;
  for (uint32_t digit = (uint32_t)1 << 30; digit != 0; digit >>= 2) {
    const uint32_t trial = root + digit;
    root >>= 1;
    if (rest >= trial) {
      rest -= trial;
      root += digit;
    }
  }
  return root;
}

/// x in [2**60, 2**62). The root of the upper 32 bits is the upper half; dividing what it leaves by
/// twice itself gives the lower 15 bits, or one too many.
static inline uint32_t square_root_62(uint64_t x) {
  const uint32_t upper = (uint32_t)(x >> 30);
  const uint32_t half = square_root_32(upper);
  const uint32_t rest = (upper - half * half) << 15 | ((uint32_t)(x >> 15) & 0x7FFF);
  const uint32_t root = (half << 15) + rest / (2 * half);
  return root - ((uint64_t)root * root > x ? 1 : 0);
}
