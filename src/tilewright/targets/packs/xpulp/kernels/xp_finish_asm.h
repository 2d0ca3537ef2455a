/// Requantisation of one accumulator `a` in assembly: the result is in its upper byte. A float
/// register has the name of the integer register with its number: the same code is right where both
/// are one. Registers:
///   t0  the line's scale, a float
///   t1  its offset, a float
///   tp  xp_finish.base where lines are odd, a float; gp then is a working register
#pragma once

#include "xp_requantise.h"

#define XP_FLOAT(a) ".insn r 0x53, 0, 0x68, " a ", " a ", x0\n\t" // fcvt.s.w
#define XP_LINE(a, scale, offset)                                                                  \
  ".insn r4 0x43, 0, 0, " a ", " a ", " scale ", " offset "\n\t"    // fmadd.s
#define XP_INTEGER(a) ".insn r 0x53, 0, 0x60, " a ", " a ", x0\n\t" // fcvt.w.s

/// flw
#define XP_LOAD_FLOAT(to, from, at) ".insn i 0x07, 2, " to ", " from ", " at "\n\t"
#define XP_LOAD_LINE(scales, offsets, at)                                                          \
  XP_LOAD_FLOAT("t0", scales, at) XP_LOAD_FLOAT("t1", offsets, at)

#define XP_EVEN(a) XP_FLOAT(a) XP_LINE(a, "t0", "t1") XP_INTEGER(a)

/// The offset takes the accumulator's sign, then the base is added: fsgnj.s, fadd.s.
#define XP_ODD_BY(a, scale, offset)                                                                \
  XP_FLOAT(a)                                                                                      \
  ".insn r 0x53, 0, 0x10, gp, " offset ", " a                                                      \
  "\n\t" XP_LINE(a, scale, "gp") ".insn r 0x53, 0, 0x00, " a ", " a ", tp\n\t" XP_INTEGER(a)
#define XP_ODD(a) XP_ODD_BY(a, "t0", "t1")

/// The byte as a word, and the same within the bounds s9 and tp.
#define XP_BYTE(a) "srai " a ", " a ", 24\n\t"
#define XP_CLIPPED_BYTE(a)                                                                         \
  XP_BYTE(a)                                                                                       \
  ".insn r 0x33, 6, 0x02, " a ", " a ", s9\n\t.insn r 0x33, 4, 0x02, " a ", " a ", tp\n\t"
