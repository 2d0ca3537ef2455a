/// What kernels of language models share with XpulpV2: roundings of one instruction, and rows that
/// all cores work on together. The meaning is src/tilewright/ops/llm/rows.py.
#pragma once

#include <string.h>

#include "scaled_row.h"
#include "tilewright.h"
#include "xp_meet.h"
#include "xpulp.h"

enum { XP_SHARES = 8 };

/// A core's eighths of a row, of which every core has one at least: the cores meet in the middle of
/// a call, at the hardware barrier.
typedef struct {
  int32_t start, stop; // of `length` elements
} xp_part;

static inline xp_part xp_part_of(int32_t length, tw_work work) {
  return (xp_part){length * work.start >> 3, length * work.stop >> 3};
}

/// Bits of a number that is not 0: p.fl1 is where the highest one is.
static inline int32_t xp_bit_length(uint32_t x) {
  int32_t highest;
  __asm__(".insn r 0x33, 1, 0x08, %0, %1, x0" : "=r"(highest) : "r"(x));
  return highest + 1;
}

/// How a row whose largest magnitude is known becomes bytes.
typedef struct {
  int32_t excess, reciprocal;
  int32_t factor; // of the whole row
} xp_scale;

static inline xp_scale xp_scale_of(int32_t peak) {
  const int32_t excess = p_max(xp_bit_length((uint32_t)p_max(peak, 1)) - TW_FACTOR_BITS, 0);
  const int32_t factor = p_addrn(p_max(peak, 1), 0, excess);
  return (xp_scale){excess, ((int32_t)127 << 24) / factor, factor << excess};
}

static inline int32_t xp_scaled(int32_t x, const xp_scale *by) {
  return p_mac(1 << 23, p_addrn(x, 0, by->excess), by->reciprocal) >> 24;
}

/// wide[n] to bytes, which may lie anywhere.
static inline void xp_scale_part(const int32_t *wide, int32_t n, const xp_scale *by, int8_t *y) {
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    y[i] = (int8_t)xp_scaled(wide[i], by);
    y[i + 1] = (int8_t)xp_scaled(wide[i + 1], by);
    y[i + 2] = (int8_t)xp_scaled(wide[i + 2], by);
    y[i + 3] = (int8_t)xp_scaled(wide[i + 3], by);
  }
  for (; i < n; i++) {
    y[i] = (int8_t)xp_scaled(wide[i], by);
  }
}

static inline int32_t xp_abs(int32_t x) {
  int32_t out;
  __asm__(".insn r 0x33, 0, 0x02, %0, %1, x0" : "=r"(out) : "r"(x));
  return out;
}

static inline int32_t xp_within_15_bits(int32_t x) { return p_min(p_max(x, -32767), 32767); }
