/// The assembly of dense_xpulp_core.h: strings and nothing else. s8 holds a dense_xpulp_job.
#pragma once

#include "dot_xpulp_asm.h"

/// Eight channels of one row: sums in a0 to a7, the row's word in gp, weights in t0 and t1.
#define DENSE_XPULP_SUMS                                                                           \
  "0:\n\tlw s11, 0(s8)\n\tlw s9, 4(s8)\n\tlw t5, 24(s8)\n\tlw t0, 8(s8)\n\t"                       \
  "slli t2, t5, 4\n\tadd s10, s9, t2\n\t" DOT_NEXT("a0", "t0") DOT_NEXT("a1", "t0") DOT_NEXT("a2", \
                                                                                             "t0") \
      DOT_NEXT("a3", "t0") DOT_NEXT("a4", "t0") DOT_NEXT("a5", "t0") DOT_NEXT("a6", "t0")          \
          DOT_NEXT("a7", "t0") "sw t0, 8(s8)\n\t"                                                  \
                               ".option push\n\t.option norvc\n\t"                                 \
                               ".insn i 0x7b, 4, x0, t5, 34\n\t" /* lp.setup: 17 instructions */   \
      DOT_NEXT("gp", "s11") DOT_NEXT("t0", "s9") DOT_NEXT("t1", "s9") DOT_DOT("a0", "gp", "t0")    \
          DOT_NEXT("t0", "s9") DOT_DOT("a1", "gp", "t1") DOT_NEXT("t1", "s9")                      \
              DOT_DOT("a2", "gp", "t0") DOT_NEXT("t0", "s10") DOT_DOT("a3", "gp", "t1")            \
                  DOT_NEXT("t1", "s10") DOT_DOT("a4", "gp", "t0") DOT_NEXT("t0", "s10")            \
                      DOT_DOT("a5", "gp", "t1") DOT_NEXT("t1", "s10") DOT_DOT("a6", "gp", "t0")    \
                          DOT_DOT("a7", "gp", "t1") ".option pop\n\tsw s10, 4(s8)\n\t"

#define DENSE_XPULP_CHANNEL(one, at, a) XP_LOAD_LINE("t2", "ra", at) one(a)
#define DENSE_XPULP_CHANNELS(one)                                                                  \
  "lw t2, 12(s8)\n\tlw ra, 16(s8)\n\t" XP_LOAD_FLOAT("tp", "s8", "36")                             \
      DENSE_XPULP_CHANNEL(one, "0", "a0") DENSE_XPULP_CHANNEL(one, "4", "a1")                      \
          DENSE_XPULP_CHANNEL(one, "8", "a2") DENSE_XPULP_CHANNEL(one, "12", "a3")
#define DENSE_XPULP_STORE(a) XP_CLIPPED_BYTE(a) ".insn s 0x2b, 0, " a ", 1(gp)\n\t"
#define DENSE_XPULP_STORES(bytes)                                                                  \
  "addi t2, t2, " bytes "\n\taddi ra, ra, " bytes "\n\tsw t2, 12(s8)\n\tsw ra, 16(s8)\n\t"         \
  "lw gp, 20(s8)\n\tlw s9, 28(s8)\n\tlw tp, 32(s8)\n\t"                                            \
  "lw t2, 40(s8)\n\taddi t2, t2, -1\n\tsw t2, 40(s8)\n\t" DENSE_XPULP_STORE("a0")                  \
      DENSE_XPULP_STORE("a1") DENSE_XPULP_STORE("a2") DENSE_XPULP_STORE("a3")
#define DENSE_XPULP_NEXT "sw gp, 20(s8)\n\tbnez t2, 0b"

/// Requantised and stored; on to the next eight.
#define DENSE_XPULP_MORE(one)                                                                      \
  DENSE_XPULP_CHANNEL(one, "16", "a4")                                                             \
  DENSE_XPULP_CHANNEL(one, "20", "a5")                                                             \
  DENSE_XPULP_CHANNEL(one, "24", "a6")                                                             \
  DENSE_XPULP_CHANNEL(one, "28", "a7")
#define DENSE_XPULP_STORE_MORE                                                                     \
  DENSE_XPULP_STORE("a4") DENSE_XPULP_STORE("a5") DENSE_XPULP_STORE("a6") DENSE_XPULP_STORE("a7")
#define DENSE_XPULP_FINISH(one)                                                                    \
  DENSE_XPULP_CHANNELS(one)                                                                        \
  DENSE_XPULP_MORE(one) DENSE_XPULP_STORES("32") DENSE_XPULP_STORE_MORE DENSE_XPULP_NEXT

/// The same for four channels.
#define DENSE_XPULP_SUMS_OF_4                                                                      \
  "0:\n\tlw s11, 0(s8)\n\tlw s9, 4(s8)\n\tlw t5, 24(s8)\n\tlw t0, 8(s8)\n\t" DOT_NEXT("a0", "t0")  \
      DOT_NEXT("a1", "t0") DOT_NEXT("a2", "t0")                                                    \
          DOT_NEXT("a3", "t0") "sw t0, 8(s8)\n\t.option push\n\t.option norvc\n\t"                 \
                               ".insn i 0x7b, 4, x0, t5, 18\n\t" /* lp.setup: 9 instructions */    \
      DOT_NEXT("gp", "s11") DOT_NEXT("t0", "s9") DOT_NEXT("t1", "s9") DOT_DOT("a0", "gp", "t0")    \
          DOT_NEXT("t0", "s9") DOT_DOT("a1", "gp", "t1") DOT_NEXT("t1", "s9")                      \
              DOT_DOT("a2", "gp", "t0")                                                            \
                  DOT_DOT("a3", "gp", "t1") ".option pop\n\tsw s9, 4(s8)\n\t"
#define DENSE_XPULP_FINISH_4(one)                                                                  \
  DENSE_XPULP_CHANNELS(one) DENSE_XPULP_STORES("16") DENSE_XPULP_NEXT

#define DENSE_XPULP_REGISTERS                                                                      \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s9", "s10", "s11", "t0", "t1", "t2", "t3",      \
      "t5", "ra", "memory"
