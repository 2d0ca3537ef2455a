/// Requantisation of one accumulator `a` in assembly, the same as xp_rescale and xp_clip of
/// xp_requantise.h. Registers:
///   t0  multiplier
///   t1  shift as stored
///   tp  the largest result, s9 the smallest, y_zero not yet added
///   gp  one where it says so, else it and t3 are working registers
#pragma once

#include "xp_requantise.h"

#define XP_CLIP(a, from)                                                                           \
  ".insn r 0x33, 6, 0x02, " a ", " from ", s9\n\t.insn r 0x33, 4, 0x02, " a ", " a ", tp\n\t"

/// Under TW_ROUND_DOUBLE, where results below zero are clipped to zero. gp is one. 4 instructions.
#define XP_POSITIVE(a)                                                                             \
  "slli " a ", " a ", 2\n\tmulh " a ", " a ", t0\n\t"                                              \
  ".insn r 0x5b, 6, 0x20, " a ", gp, t1\n\t.insn r 0x33, 6, 0x0a, " a ", " a ", tp\n\t"

/// Under TW_ROUND_DOUBLE. 7 instructions.
#define XP_SIGNED(a)                                                                               \
  "slli " a ", " a ", 2\n\tmulh " a ", " a ", t0\n\tsrai gp, " a ", 31\n\tori gp, gp, 1\n\t"       \
  ".insn r 0x5b, 6, 0x20, " a ", gp, t1\n\t" XP_CLIP(a, a)

/// Under TW_ROUND_HALF_UP. 4 instructions.
#define XP_HALF_UP(a)                                                                              \
  "mul " a ", " a ", t0\n\t.insn r 0x5b, 6, 0x20, " a ", x0, t1\n\t" XP_CLIP(a, a)

/// Under TW_ROUND_HALF_EVEN. 10 instructions.
#define XP_HALF_EVEN(a)                                                                            \
  "mulh gp, " a ", t0\n\tmul " a ", " a ", t0\n\tsra t3, gp, t1\n\tandi t3, t3, 1\n\t"             \
  "or " a ", " a ", t3\n\tseqz " a ", " a "\n\tsub gp, gp, " a "\n\t"                              \
  ".insn r 0x5b, 6, 0x20, gp, x0, t1\n\t" XP_CLIP(a, "gp")
