/// From accumulators to bytes, with what XpulpV2 has for it. The meaning is tw_rescale of
/// tw_arithmetic.h.
#pragma once

#include "tw_arithmetic.h"
#include "xpulp.h"

enum {
  XP_SLOW = 64, // added to shifts that the short form cannot do, before they become negative
};

/// What all channels of a layer share.
typedef struct {
  int32_t low, high;   // clip range before y_zero is added
  int32_t zeros;       // y_zero in four bytes
  int32_t is_positive; // low >= 0: results below zero need not be exact
} xp_output;

static inline xp_output xp_output_of(int32_t low, int32_t high, int32_t y_zero) {
  return (xp_output){low - y_zero, high - y_zero, (y_zero & 0xff) * 0x01010101, low >= y_zero};
}

/// One accumulator, y_zero not yet added, not yet clipped.
///
/// TW_ROUND_DOUBLE   `bits` is the right shift + 1, at least 2. t holds the product / 2**30, so
/// that
///                   the two roundings are ((t + 1) / 2 + half + (-1 below zero)) / 2**right, which
///                   is one addition and one shift of t: floors of floors are floors.
///                   |acc| < 2**29.
/// TW_ROUND_HALF_EVEN  `bits` is the shift - 32, at least 1: only the product's upper word is
/// shifted,
///                   half of an even result's step goes down where the lower word is zero.
/// TW_ROUND_HALF_UP  `bits` is the shift.
static inline int32_t xp_rescale(int32_t acc, int32_t multiplier, int32_t bits,
                                 tw_rounding rounding, int32_t is_positive) {
  if (rounding == TW_ROUND_DOUBLE) {
    const int32_t t = xp_mulh((int32_t)((uint32_t)acc << 2), multiplier);
    return p_addrn(t, is_positive ? 1 : t >> 31 | 1, bits);
  }
  if (rounding == TW_ROUND_HALF_UP) {
    return p_addrn(tw_wrapping_multiply(acc, multiplier), 0, bits);
  }
  const int64_t product = (int64_t)acc * multiplier;
  const int32_t upper = (int32_t)(product >> 32);
  const int32_t is_tie = ((int32_t)product | (upper >> bits & 1)) == 0;
  return p_addrn(upper - is_tie, 0, bits);
}

/// The same for any shift: those that the short form cannot do are stored below zero.
static inline int32_t xp_rescale_any(int32_t acc, int32_t multiplier, int32_t bits,
                                     tw_rounding rounding) {
  if (bits < 0) {
    return tw_rescale(acc, multiplier, -1 - bits - XP_SLOW, rounding);
  }
  return xp_rescale(acc, multiplier, bits, rounding, 0);
}

/// How a layer's sums become bytes where lines.py has found lines.
typedef enum {
  XP_FINISH_FULL,       // every byte is a result
  XP_FINISH_CLIPPED,    // results have bounds
  XP_FINISH_ODD,        // offsets take the sum's sign; every byte is a result
  XP_FINISH_ODD_CLIPPED // the same with bounds: no assembly has it
} xp_finish_kind;

typedef struct {
  xp_finish_kind kind;
  int32_t low, high, y_zero;
  int32_t base; // of odd lines, a float: y_zero + 1/2 in units of 2**-24
} xp_finish;

/// A word as float and back: fcvt.s.w, fmv.x.w.
static inline int32_t xp_float(int32_t x) {
  __asm__(".insn r 0x53, 0, 0x68, %0, %0, x0\n\t.insn r 0x53, 0, 0x70, %0, %0, x0" : "+r"(x));
  return x;
}

/// The same choice as in lines.py.
static inline xp_finish xp_finish_of(int32_t low, int32_t high, int32_t y_zero,
                                     tw_rounding rounding) {
  const int32_t is_full = low == -128 && high == 127;
  if (rounding == TW_ROUND_DOUBLE && low < y_zero) {
    return (xp_finish){is_full ? XP_FINISH_ODD : XP_FINISH_ODD_CLIPPED, low, high, y_zero,
                       xp_float((2 * y_zero + 1) * (1 << 23))};
  }
  return (xp_finish){is_full ? XP_FINISH_FULL : XP_FINISH_CLIPPED, low, high, y_zero, 0};
}

/// Channels with a line have a scale, which is positive; others their multiplier's complement.
static inline int32_t xp_has_line(int32_t multiplier) { return multiplier >= 0; }

/// acc * scale + offset, all floats, rounded to a word. A float register has the number of the
/// integer register that it is filled from.
static inline int32_t xp_line(int32_t acc, int32_t scale, int32_t offset) {
  __asm__(".insn r 0x53, 0, 0x78, %1, %1, x0\n\t"   // fmv.w.x
          ".insn r 0x53, 0, 0x78, %2, %2, x0\n\t"   //
          ".insn r 0x53, 0, 0x68, %0, %0, x0\n\t"   // fcvt.s.w
          ".insn r4 0x43, 0, 0, %0, %0, %1, %2\n\t" // fmadd.s
          ".insn r 0x53, 0, 0x60, %0, %0, x0"       // fcvt.w.s
          : "+r"(acc), "+r"(scale), "+r"(offset));
  return acc;
}

/// The same where the offset takes the sign of acc and `base` is added.
static inline int32_t xp_line_odd(int32_t acc, int32_t scale, int32_t offset, int32_t base) {
  __asm__(".insn r 0x53, 0, 0x78, %1, %1, x0\n\t"
          ".insn r 0x53, 0, 0x78, %2, %2, x0\n\t"
          ".insn r 0x53, 0, 0x78, %3, %3, x0\n\t"
          ".insn r 0x53, 0, 0x68, %0, %0, x0\n\t"
          ".insn r 0x53, 0, 0x10, %2, %2, %0\n\t" // fsgnj.s
          ".insn r4 0x43, 0, 0, %0, %0, %1, %2\n\t"
          ".insn r 0x53, 0, 0x00, %0, %0, %3\n\t" // fadd.s
          ".insn r 0x53, 0, 0x60, %0, %0, x0"
          : "+r"(acc), "+r"(scale), "+r"(offset), "+r"(base));
  return acc;
}

/// One accumulator of any channel.
static inline int32_t xp_finish_one(int32_t acc, int32_t multiplier, int32_t bits,
                                    const xp_finish *finish, tw_rounding rounding) {
  int32_t v;
  if (!xp_has_line(multiplier)) {
    v = xp_rescale_any(acc, ~multiplier, bits, rounding) + finish->y_zero;
  } else if (rounding == TW_ROUND_DOUBLE && finish->kind >= XP_FINISH_ODD) {
    v = xp_line_odd(acc, multiplier, bits, finish->base) >> 24;
  } else {
    v = xp_line(acc, multiplier, bits) >> 24;
  }
  return p_min(p_max(v, finish->low), finish->high);
}

static inline int32_t xp_clip(int32_t x, const xp_output *out, int32_t is_positive) {
  if (is_positive && out->low == 0) {
    return p_clipu(x, out->high);
  }
  return p_min(p_max(x, out->low), out->high);
}
