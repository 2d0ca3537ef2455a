/// The assembly of depthwise_xpulp_core.h: strings and nothing else. s8 holds a
/// depthwise_xpulp_job.
#pragma once

#include "xp_finish_asm.h"

/// Rows of one channel, 3x3 window, by two hardware loops. `setup` and `inner`: twice the number of
/// instructions of their bodies. Weights are s2 to s4, rows of the plane a4 to a6.
#define DEPTHWISE_XPULP_3X3(setup, inner, one)                                                     \
  ".option push\n\t.option norvc\n\t"                                                              \
  "lw a1, 0(s8)\n\tlw t2, 4(s8)\n\tlw a3, 8(s8)\n\tlw s5, 12(s8)\n\tlw t0, 16(s8)\n\t"             \
  "lw t1, 20(s8)\n\tlw s9, 24(s8)\n\tlw tp, 28(s8)\n\tlw s6, 32(s8)\n\tlw a2, 36(s8)\n\t"          \
  "lw s7, 40(s8)\n\tlw s10, 44(s8)\n\tlw t4, 48(s8)\n\tlw t5, 52(s8)\n\tlw s11, 56(s8)\n\t"        \
  "lw t6, 60(s8)\n\tlw s2, 0(t2)\n\tlw s3, 4(t2)\n\tlw s4, 8(t2)\n\tli gp, 1\n\t"                  \
  ".insn i 0x7b, 4, x1, t5, " setup "\n\t"                                                         \
  "mv a4, a1\n\tadd a5, a1, a2\n\tadd a6, a5, a2\n\tmv a7, a3\n\t"                                 \
  ".insn i 0x7b, 4, x0, t4, " inner "\n\t"                                                         \
  ".insn r 0x0b, 7, 0x10, t2, a4, s7\n\t"                                                          \
  ".insn r 0x0b, 7, 0x10, s0, a5, s7\n\t"                                                          \
  ".insn r 0x0b, 7, 0x10, s1, a6, s7\n\t"                                                          \
  "mv a0, s5\n\t"                                                                                  \
  ".insn r 0x57, 1, 0x5c, a0, t2, s2\n\t"                                                          \
  ".insn r 0x57, 1, 0x5c, a0, s0, s3\n\t"                                                          \
  ".insn r 0x57, 1, 0x5c, a0, s1, s4\n\t" one(                                                     \
      "a0") "add a0, a0, s6\n\t"                                                                   \
            ".insn r 0x2b, 4, 0x00, s10, a7, a0\n\t"                                               \
            "add a1, a1, s11\n\tadd a3, a3, t6\n\t.option pop"

#define DEPTHWISE_XPULP_REGISTERS                                                                  \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",  \
      "s9", "s10", "s11", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory"
