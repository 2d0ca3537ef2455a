// Arithmetic that meanings of instructions use. All on 32-bit patterns; no undefined behaviour.
#ifndef TW_ALU_H
#define TW_ALU_H

#include <stdint.h>

static const uint32_t SIGN = 0x80000000u;

static inline uint32_t sext8(uint32_t v) { return (uint32_t)(int32_t)(int8_t)(uint8_t)v; }
static inline uint32_t sext16(uint32_t v) { return (uint32_t)(int32_t)(int16_t)(uint16_t)v; }
static inline uint32_t sra(uint32_t v, uint32_t by) { return (uint32_t)((int32_t)v >> by); }
static inline uint32_t srl(uint32_t v, uint32_t by) { return v >> by; }
static inline uint32_t half(uint32_t by) { return by == 0 ? 0 : 1u << (by - 1); }
static inline uint32_t smin(uint32_t a, uint32_t b) { return (int32_t)a < (int32_t)b ? a : b; }
static inline uint32_t smax(uint32_t a, uint32_t b) { return (int32_t)a > (int32_t)b ? a : b; }
static inline uint32_t mul16(uint32_t a, uint32_t b) { return a * b; }

static inline uint32_t divide(uint32_t a, uint32_t b) {
  if (b == 0) {
    return UINT32_MAX;
  }
  return a == SIGN && b == UINT32_MAX ? SIGN : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint32_t remainder_of(uint32_t a, uint32_t b) {
  if (b == 0) {
    return a;
  }
  return a == SIGN && b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static inline uint32_t rotate_right(uint32_t v, uint32_t by) {
  return by % 32 == 0 ? v : v >> (by % 32) | v << (32 - by % 32);
}

static inline uint32_t find_first_one(uint32_t v) {
  return v == 0 ? 32 : (uint32_t)__builtin_ctz(v);
}

static inline uint32_t find_last_one(uint32_t v) {
  return v == 0 ? 32 : 31u - (uint32_t)__builtin_clz(v);
}

// Copies of the sign bit after the sign bit; 0 for 0.
static inline uint32_t count_leading_bits(uint32_t v) {
  const uint32_t other = v ^ sra(v, 31);
  return v == 0 ? 0 : other == 0 ? 31 : (uint32_t)__builtin_clz(other) - 1;
}

// 2^(width-1) - 1; 0 where the width is 0.
static inline uint32_t low_ones(int32_t width) { return width < 1 ? 0 : (1u << (width - 1)) - 1; }

static inline uint32_t clip(uint32_t v, uint32_t low, uint32_t high) {
  return (int32_t)v > (int32_t)high ? high : (int32_t)v < (int32_t)low ? low : v;
}

// Mask of width + 1 bits from `shift` on.
static inline uint32_t ones(uint32_t width, uint32_t shift) {
  return (uint32_t)(((2ull << width) - 1) << shift);
}

static inline uint32_t extract(uint32_t v, uint32_t width, uint32_t shift) {
  const uint32_t kept = shift + width + 1 > 32 ? 32 - shift : width + 1;
  return sra(v << (32 - shift - kept), 32 - kept);
}

static inline uint32_t insert(uint32_t old, uint32_t v, uint32_t width, uint32_t shift) {
  const uint32_t mask = ones(width, shift);
  return (old & ~mask) | ((v << shift) & mask);
}

#endif
