// Immediates of RISC-V instruction formats (unprivileged ISA, sections 2.3 and 16.2).
#ifndef TW_DECODE_FIELDS_H
#define TW_DECODE_FIELDS_H

#include <stdint.h>

static inline uint32_t bits(uint32_t w, uint32_t high, uint32_t low) {
  return (w >> low) & (uint32_t)((2ull << (high - low)) - 1);
}

// Bits high..low of w, moved to `to`.
static inline uint32_t place(uint32_t w, uint32_t high, uint32_t low, uint32_t to) {
  return bits(w, high, low) << to;
}

static inline int32_t sext(uint32_t v, uint32_t width) {
  return (int32_t)(v << (32 - width)) >> (32 - width);
}

static inline int32_t imm_i(uint32_t w) { return (int32_t)w >> 20; }
static inline int32_t imm_s(uint32_t w) {
  return sext(place(w, 31, 25, 5) | place(w, 11, 7, 0), 12);
}
static inline int32_t imm_b(uint32_t w) {
  return sext(place(w, 31, 31, 12) | place(w, 7, 7, 11) | place(w, 30, 25, 5) | place(w, 11, 8, 1),
              13);
}
static inline int32_t imm_j(uint32_t w) {
  return sext(
      place(w, 31, 31, 20) | place(w, 19, 12, 12) | place(w, 20, 20, 11) | place(w, 30, 21, 1), 21);
}
// Xfrep: whether the outer form, the largest stagger, the mask of operands that stagger.
static inline uint32_t frep_stagger(uint32_t w) {
  return place(w, 7, 7, 7) | place(w, 14, 12, 4) | bits(w, 11, 8);
}
// The six-bit immediate of XpulpV2's .sci forms: bit 25 is its lowest bit.
static inline uint32_t vector_imm(uint32_t w) { return place(w, 24, 20, 1) | bits(w, 25, 25); }

static inline int32_t imm_ciw(uint32_t w) {
  return (int32_t)(place(w, 12, 11, 4) | place(w, 10, 7, 6) | place(w, 6, 6, 2) |
                   place(w, 5, 5, 3));
}
static inline int32_t imm_cl(uint32_t w) {
  return (int32_t)(place(w, 12, 10, 3) | place(w, 6, 6, 2) | place(w, 5, 5, 6));
}
static inline int32_t imm_ci(uint32_t w) {
  return sext(place(w, 12, 12, 5) | place(w, 6, 2, 0), 6);
}
static inline int32_t imm_csp(uint32_t w) {
  return sext(place(w, 12, 12, 9) | place(w, 6, 6, 4) | place(w, 5, 5, 6) | place(w, 4, 3, 7) |
                  place(w, 2, 2, 5),
              10);
}
static inline int32_t imm_cj(uint32_t w) {
  return sext(place(w, 12, 12, 11) | place(w, 11, 11, 4) | place(w, 10, 9, 8) | place(w, 8, 8, 10) |
                  place(w, 7, 7, 6) | place(w, 6, 6, 7) | place(w, 5, 3, 1) | place(w, 2, 2, 5),
              12);
}
static inline int32_t imm_cb(uint32_t w) {
  return sext(place(w, 12, 12, 8) | place(w, 11, 10, 3) | place(w, 6, 5, 6) | place(w, 4, 3, 1) |
                  place(w, 2, 2, 5),
              9);
}
static inline int32_t imm_clsp(uint32_t w) {
  return (int32_t)(place(w, 12, 12, 5) | place(w, 6, 4, 2) | place(w, 3, 2, 6));
}
static inline int32_t imm_cssp(uint32_t w) {
  return (int32_t)(place(w, 12, 9, 2) | place(w, 8, 7, 6));
}

#endif
