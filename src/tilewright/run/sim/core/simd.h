// Packed SIMD of XpulpV2 on two halves (h) or four bytes (b), lowest lane first.
#ifndef TW_SIMD_H
#define TW_SIMD_H

#include "alu.h"

typedef int32_t tw_lane(int32_t x, int32_t y);

static inline uint32_t splat_h(uint32_t v) { return (v & 0xffff) * 0x10001u; }
static inline uint32_t splat_b(uint32_t v) { return (v & 0xff) * 0x1010101u; }
static inline uint32_t v_and(uint32_t a, uint32_t b) { return a & b; }
static inline uint32_t v_or(uint32_t a, uint32_t b) { return a | b; }
static inline uint32_t v_xor(uint32_t a, uint32_t b) { return a ^ b; }

// One lane, sign- or zero-extended; and a lane put into its place.
static inline int32_t get_h(uint32_t v, uint32_t i) { return (int16_t)(uint16_t)(v >> (16 * i)); }
static inline int32_t get_b(uint32_t v, uint32_t i) { return (int8_t)(uint8_t)(v >> (8 * i)); }
static inline int32_t get_uh(uint32_t v, uint32_t i) { return (uint16_t)(v >> (16 * i)); }
static inline int32_t get_ub(uint32_t v, uint32_t i) { return (uint8_t)(v >> (8 * i)); }
static inline uint32_t put_h(int32_t v, uint32_t i) { return ((uint32_t)v & 0xffff) << (16 * i); }
static inline uint32_t put_b(int32_t v, uint32_t i) { return ((uint32_t)v & 0xff) << (8 * i); }

static inline int32_t lane_add(int32_t x, int32_t y) { return x + y; }
static inline int32_t lane_sub(int32_t x, int32_t y) { return x - y; }
static inline int32_t lane_min(int32_t x, int32_t y) { return x < y ? x : y; }
static inline int32_t lane_max(int32_t x, int32_t y) { return x > y ? x : y; }
static inline int32_t lane_eq(int32_t x, int32_t y) { return -(x == y); }
static inline int32_t lane_ne(int32_t x, int32_t y) { return -(x != y); }
static inline int32_t lane_gt(int32_t x, int32_t y) { return -(x > y); }
static inline int32_t lane_ge(int32_t x, int32_t y) { return -(x >= y); }
static inline int32_t lane_lt(int32_t x, int32_t y) { return -(x < y); }
static inline int32_t lane_le(int32_t x, int32_t y) { return -(x <= y); }
// The sum wraps within the lane before it is halved.
static inline int32_t avg_h(int32_t x, int32_t y) { return (int16_t)(x + y) >> 1; }
static inline int32_t avg_b(int32_t x, int32_t y) { return (int8_t)(x + y) >> 1; }
static inline int32_t avgu_h(int32_t x, int32_t y) { return (uint16_t)(x + y) >> 1; }
static inline int32_t avgu_b(int32_t x, int32_t y) { return (uint8_t)(x + y) >> 1; }
// Only the low bits of a shift count, as many as the lane's width needs.
static inline int32_t shift_right_h(int32_t x, int32_t y) { return x >> (y & 15); }
static inline int32_t shift_right_b(int32_t x, int32_t y) { return x >> (y & 7); }
static inline int32_t sll_h(int32_t x, int32_t y) { return x << (y & 15); }
static inline int32_t sll_b(int32_t x, int32_t y) { return x << (y & 7); }

static inline uint32_t each_h(tw_lane *op, uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 2; i++) {
    out |= put_h(op(get_h(a, i), get_h(b, i)), i);
  }
  return out;
}

static inline uint32_t each_uh(tw_lane *op, uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 2; i++) {
    out |= put_h(op(get_uh(a, i), get_uh(b, i)), i);
  }
  return out;
}

static inline uint32_t each_b(tw_lane *op, uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out |= put_b(op(get_b(a, i), get_b(b, i)), i);
  }
  return out;
}

static inline uint32_t each_ub(tw_lane *op, uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out |= put_b(op(get_ub(a, i), get_ub(b, i)), i);
  }
  return out;
}

static inline uint32_t vh_dotup(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 2; i++) {
    out += (uint32_t)get_uh(a, i) * (uint32_t)get_uh(b, i);
  }
  return out;
}

static inline uint32_t vb_dotup(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out += (uint32_t)get_ub(a, i) * (uint32_t)get_ub(b, i);
  }
  return out;
}

static inline uint32_t vh_dotusp(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 2; i++) {
    out += (uint32_t)get_uh(a, i) * (uint32_t)get_h(b, i);
  }
  return out;
}

static inline uint32_t vb_dotusp(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out += (uint32_t)get_ub(a, i) * (uint32_t)get_b(b, i);
  }
  return out;
}

static inline uint32_t vh_dotsp(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 2; i++) {
    out += (uint32_t)get_h(a, i) * (uint32_t)get_h(b, i);
  }
  return out;
}

static inline uint32_t vb_dotsp(uint32_t a, uint32_t b) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out += (uint32_t)get_b(a, i) * (uint32_t)get_b(b, i);
  }
  return out;
}

static inline uint32_t vh_abs(uint32_t a) { return each_h(lane_max, a, each_h(lane_sub, 0, a)); }
static inline uint32_t vb_abs(uint32_t a) { return each_b(lane_max, a, each_b(lane_sub, 0, a)); }
static inline uint32_t vh_extract(uint32_t a, uint32_t i) { return (uint32_t)get_h(a, i & 1); }
static inline uint32_t vb_extract(uint32_t a, uint32_t i) { return (uint32_t)get_b(a, i & 3); }
static inline uint32_t vh_extractu(uint32_t a, uint32_t i) { return (uint32_t)get_uh(a, i & 1); }
static inline uint32_t vb_extractu(uint32_t a, uint32_t i) { return (uint32_t)get_ub(a, i & 3); }

static inline uint32_t vh_insert(uint32_t old, uint32_t a, uint32_t i) {
  return insert(old, a, 15, 16 * (i & 1));
}

static inline uint32_t vb_insert(uint32_t old, uint32_t a, uint32_t i) {
  return insert(old, a, 7, 8 * (i & 3));
}

// Lane i of the result is the lane of `a` that the low bits of lane i of `by` name.
static inline uint32_t vh_shuffle(uint32_t a, uint32_t by) {
  return put_h(get_uh(a, by & 1), 0) | put_h(get_uh(a, by >> 16 & 1), 1);
}

static inline uint32_t vb_shuffle(uint32_t a, uint32_t by) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out |= put_b(get_ub(a, by >> (8 * i) & 3), i);
  }
  return out;
}

// The same with two bits of `by` per lane.
static inline uint32_t vb_shuffle_i(uint32_t a, uint32_t by) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    out |= put_b(get_ub(a, by >> (2 * i) & 3), i);
  }
  return out;
}

// One bit more per lane chooses between `a` (set) and the old value.
static inline uint32_t vh_shuffle2(uint32_t old, uint32_t a, uint32_t by) {
  const uint32_t low = by & 2 ? a : old, high = by >> 16 & 2 ? a : old;
  return put_h(get_uh(low, by & 1), 0) | put_h(get_uh(high, by >> 16 & 1), 1);
}

static inline uint32_t vb_shuffle2(uint32_t old, uint32_t a, uint32_t by) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    const uint32_t which = by >> (8 * i);
    out |= put_b(get_ub(which & 4 ? a : old, which & 3), i);
  }
  return out;
}

#endif
