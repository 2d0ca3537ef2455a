/// The assembly of depthwise_xpulp_core.h: strings and nothing else. s8 holds a
/// depthwise_xpulp_job. A word of a plane, once loaded, meets the three rows of the window that it
/// belongs to for outputs of three rows: at any time the sums of two rows are unfinished.
///   s0 s1           first word, first output of a column; s10 t4 on to the next row
///   a6 s11 t5       word, outputs of this and of the next column, all moving
///   s2-s4, s5-s7    the window's rows; the same for the next column
///   a0 a5           two words; a1-a4 unfinished sums; a7 bias
///   t2 t3 t6        bytes to the next column's outputs, rows in pairs, whether one more
#pragma once

#include "xp_finish_asm.h"

#define DW_DOT(acc, x, w) ".insn r 0x57, 1, 0x5c, " acc ", " x ", " w "\n\t"
#define DW_NEXT(rd) ".insn r 0x0b, 7, 0x10, " rd ", a6, s10\n\t"
#define DW_STORE(byte, a, at) byte(a) ".insn r 0x2b, 4, 0x00, t4, " at ", " a "\n\t"

#define DW_BOUNDS "lw s9, 24(s8)\n\tlw tp, 28(s8)\n\t"
#define DW_BASE XP_LOAD_FLOAT("tp", "s8", "32")

#define DW_BEGIN(bounds)                                                                           \
  ".option push\n\t.option norvc\n\t"                                                              \
  "lw s0, 0(s8)\n\tlw a0, 4(s8)\n\tlw s1, 8(s8)\n\tlw a7, 12(s8)\n\t"                              \
  ".insn i 0x07, 2, t0, s8, 16\n\t.insn i 0x07, 2, t1, s8, 20\n\t" bounds "lw s10, 36(s8)\n\t"     \
  "lw t4, 56(s8)\n\tlw t2, 60(s8)\n\tlw t3, 52(s8)\n\tlw t6, 64(s8)\n\t"                           \
  "lw s2, 0(a0)\n\tlw s3, 4(a0)\n\tlw s4, 8(a0)\n\t"                                               \
  "0:\n\tmv a6, s0\n\tmv s11, s1\n\t"
#define DW_END                                                                                     \
  "lw a0, 40(s8)\n\tlw a5, 44(s8)\n\tlw a1, 48(s8)\n\tadd s0, s0, a0\n\tadd s1, s1, a5\n\t"        \
  "addi a1, a1, -1\n\tsw a1, 48(s8)\n\tbnez a1, 0b\n\t.option pop"

/// Rows one after the other, two columns at a time. `both`: twice the instructions of two rows.
#define DW_ROW(one, byte, p, next_p, q, next_q, x)                                                 \
  DW_DOT(p, x, "s4")                                                                               \
  DW_DOT(q, x, "s7")                                                                               \
  DW_DOT(next_p, x, "s3")                                                                          \
  DW_DOT(next_q, x, "s6")                                                                          \
  one(p) one(q) DW_STORE(byte, q, "t5") DW_STORE(byte, p, "s11") "mv " p ", a7\n\tmv " q           \
                                                                 ", a7\n\t" DW_DOT(p, x, "s2")     \
                                                                     DW_DOT(q, x, "s5")
#define DEPTHWISE_XPULP_BY_ONE(both, bounds, one, byte)                                            \
  DW_BEGIN(bounds)                                                                                 \
  "slli s5, s2, 8\n\tslli s6, s3, 8\n\tslli s7, s4, 8\n\tadd t5, s11, t2\n\t" DW_NEXT("a0")        \
      DW_NEXT("a5") "mv a1, a7\n\tmv a2, a7\n\tmv a3, a7\n\tmv a4, a7\n\t" DW_DOT(                 \
          "a1", "a0", "s2") DW_DOT("a3", "a0", "s5") DW_DOT("a1", "a5", "s3")                      \
          DW_DOT("a3", "a5", "s6") DW_DOT("a2", "a5", "s2")                                        \
              DW_DOT("a4", "a5", "s5") "beqz t3, 1f\n\t"                                           \
                                       ".insn i 0x7b, 4, x0, t3, " both                            \
                                       "\n\t" DW_NEXT("a0") DW_NEXT("a5")                          \
                                           DW_ROW(one, byte, "a1", "a2", "a3", "a4", "a0")         \
                                               DW_ROW(one, byte, "a2", "a1", "a4", "a3",           \
                                                      "a5") "1:\n\tbeqz t6, 2f\n\t" DW_NEXT("a0")  \
                                                   DW_ROW(one, byte, "a1", "a2", "a3", "a4",       \
                                                          "a0") "2:\n\t" DW_END

/// Every second row, one column at a time.
#define DEPTHWISE_XPULP_BY_TWO(body, bounds, one, byte)                                            \
  DW_BEGIN(bounds)                                                                                 \
  DW_NEXT("a0")                                                                                    \
  "mv a1, a7\n\t" DW_DOT("a1", "a0", "s2") ".insn i 0x7b, 4, x0, t3, " body "\n\t" DW_NEXT("a0")   \
      DW_NEXT("a5") DW_DOT("a1", "a0", "s3") DW_DOT("a1", "a5", "s4") one("a1")                    \
          DW_STORE(byte, "a1", "s11") "mv a1, a7\n\t" DW_DOT("a1", "a5", "s2") DW_END

#define DEPTHWISE_XPULP_REGISTERS                                                                  \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",  \
      "s9", "s10", "s11", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "memory"
