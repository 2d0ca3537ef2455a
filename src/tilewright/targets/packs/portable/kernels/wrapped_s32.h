/// Arithmetic on int32 that wraps at 32 bits.
#pragma once

#include <stdint.h>

static inline int32_t tw_wrapped_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t tw_wrapped_sub(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a - (uint32_t)b);
}

static inline int32_t tw_wrapped_mul(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a * (uint32_t)b);
}
