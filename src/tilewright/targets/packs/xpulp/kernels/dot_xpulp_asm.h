/// The assembly of dot_xpulp.h, in pieces: strings and nothing else.
///
/// One piece of assembly, because compilers spill half of the sixteen accumulators. Registers:
///   a0-a7, s0-s7    accumulators: c0 is a0-a3 for the four pixels, c1 a4-a7, c2 s0-s3, c3 s4-s7
///   s8, then sp     the dot_xpulp_job
///   s9 s10          input, weights, both moving
///   s11 t3 t4 t5    step, back, skip, words of the job
///   t6              blocks that are left
///   gp tp t2 ra     the pixels' words; t0 t1 two channels' words
#pragma once

#include "xp_finish_asm.h"

#define DOT_LW(rd, step, at) ".insn r 0x0b, 7, 0x10, " rd ", " at ", " step "\n\t"
#define DOT_NEXT(rd, at) ".insn i 0x0b, 2, " rd ", " at ", 4\n\t"
#define DOT_DOT(acc, x, w) ".insn r 0x57, 1, 0x5c, " acc ", " x ", " w "\n\t"
#define DOT_FOUR(a, b, c, d, w)                                                                    \
  DOT_DOT(a, "gp", w) DOT_DOT(b, "tp", w) DOT_DOT(c, "t2", w) DOT_DOT(d, "ra", w)
#define DOT_COPY(a, b, c, d) "mv " b ", " a "\n\tmv " c ", " a "\n\tmv " d ", " a "\n\t"

/// What comes before the first group, and the sums of one group.
#define DOT_BEGIN                                                                                  \
  "sw sp, 72(s8)\n\tmv sp, s8\n\t" /* c.lwsp is half as long as a load by another register */      \
  "lw s11, 24(sp)\n\tlw t3, 28(sp)\n\tlw t4, 32(sp)\n\tlw t5, 36(sp)\n\t"                          \
  "lw t6, 44(sp)\n\t.balign 16\n"                                                                  \
  "0:\n\tlw t0, 8(sp)\n\tlw s9, 0(sp)\n\tlw s10, 4(sp)\n\t" DOT_NEXT("a0", "t0")                   \
      DOT_NEXT("a4", "t0") DOT_NEXT("s0", "t0") DOT_NEXT(                                          \
          "s4", "t0") "lw t0, 68(sp)\n\tlw t2, 40(sp)\n\tadd t0, t0, s9\n\tsw t0, "                \
                      "0(sp)\n\t" DOT_COPY("a0", "a1", "a2", "a3")                                 \
                          DOT_COPY("a4", "a5", "a6", "a7") DOT_COPY("s0", "s1", "s2", "s3")        \
                              DOT_COPY("s4", "s5", "s6",                                           \
                                       "s7") ".option push\n\t.option norvc\n\t"                   \
                                             ".insn i 0x7b, 4, x1, t2, 52\n\t" /* lp.setup 1: 26   \
                                                                                  instructions */  \
                                             ".insn i 0x7b, 4, x0, t5, 48\n\t" /* lp.setup 0: 24   \
                                                                                  instructions */  \
      DOT_LW("gp", "s11", "s9") DOT_LW("tp", "s11", "s9") DOT_LW("t2", "s11",                      \
                                                                 "s9") DOT_LW("ra", "t3", "s9")    \
          DOT_NEXT("t0", "s10") DOT_NEXT("t1", "s10") DOT_FOUR("a0", "a1", "a2", "a3", "t0")       \
              DOT_NEXT("t0", "s10") DOT_FOUR("a4", "a5", "a6", "a7", "t1") DOT_NEXT("t1", "s10")   \
                  DOT_FOUR("s0", "s1", "s2", "s3", "t0")                                           \
                      DOT_FOUR("s4", "s5", "s6", "s7", "t1") "add s9, s9, t4\n\t.option pop\n\t"

#define DOT_CHANNEL(one, at, a, b, c, d) XP_LOAD_LINE("t2", "ra", at) one(a) one(b) one(c) one(d)
#define DOT_TAIL(one)                                                                              \
  "lw t2, 12(sp)\n\tlw ra, 16(sp)\n\t" DOT_CHANNEL(one, "0", "a0", "a1", "a2", "a3")               \
      DOT_CHANNEL(one, "4", "a4", "a5", "a6", "a7") DOT_CHANNEL(one, "8", "s0", "s1", "s2", "s3")  \
          DOT_CHANNEL(one, "12", "s4", "s5", "s6", "s7")

/// The same for channels that keep integers: multiplier t0, shift t1, then y_zero gp and a clip
/// that leaves the byte above. Under TW_ROUND_HALF_UP; under TW_ROUND_DOUBLE as xp_rescale has it.
#define DOT_CLIPPED_INTEGER(a)                                                                     \
  "add " a ", " a ", gp\n\t.insn r 0x33, 1, 0x0a, " a ", " a ", x8\n\tslli " a ", " a ", 24\n\t"
#define DOT_UP(a)                                                                                  \
  "mul " a ", " a ", t0\n\t.insn r 0x5b, 6, 0x20, " a ", x0, t1\n\t" DOT_CLIPPED_INTEGER(a)
#define DOT_DOUBLE(a)                                                                              \
  "slli " a ", " a ", 2\n\tmulh " a ", " a ", t0\n\tsrai s9, " a ", 31\n\tori s9, s9, 1\n\t"       \
  ".insn r 0x5b, 6, 0x20, " a ", s9, t1\n\t" DOT_CLIPPED_INTEGER(a)
#define DOT_INTEGERS(one, at, a, b, c, d)                                                          \
  "lw t0, " at "(t2)\n\tlw t1, " at "(ra)\n\t" one(a) one(b) one(c) one(d)
#define DOT_INTEGER_TAIL(one)                                                                      \
  "lw t2, 12(sp)\n\tlw ra, 16(sp)\n\tlw gp, 104(sp)\n\t" DOT_INTEGERS(                             \
      one, "0", "a0", "a1", "a2", "a3") DOT_INTEGERS(one, "4", "a4", "a5", "a6", "a7")             \
      DOT_INTEGERS(one, "8", "s0", "s1", "s2", "s3")                                               \
          DOT_INTEGERS(one, "12", "s4", "s5", "s6", "s7")

/// The upper bytes of four channels of one pixel in c: pv.shuffle2.b twice, pv.pack.h, `clip`,
/// p.sw with post-increment.
#define DOT_PIXEL(clip, a, b, c, d)                                                                \
  ".insn r 0x57, 1, 0x64, " a ", " b ", t1\n\t.insn r 0x57, 1, 0x64, " c ", " d ", t1\n\t"         \
  ".insn r 0x57, 0, 0x68, " c ", " c ", " a "\n\t" clip(c) ".insn r 0x2b, 6, 0x00, ra, gp, " c     \
                                                           "\n\t"
#define DOT_NO_CLIP(a) ""
#define DOT_CLIP(a) /* pv.max.b, pv.min.b */                                                       \
  ".insn r 0x57, 1, 0x18, " a ", " a ", s9\n\t.insn r 0x57, 1, 0x10, " a ", " a ", tp\n\t"
#define DOT_BOUNDS "lw s9, 56(sp)\n\tlw tp, 60(sp)\n\t"
#define DOT_BASE XP_LOAD_FLOAT("tp", "sp", "88")
/// A member of the job moves on, and is in t0.
#define DOT_ON(at, by) "lw t0, " #at "(sp)\n\taddi t0, t0, " #by "\n\tsw t0, " #at "(sp)\n\t"
/// Results of the four pixels; on to the next block, or to the next group with the first block.
#define DOT_STORE(clip)                                                                            \
  "lw gp, 20(sp)\n\tlw ra, 48(sp)\n\tlw t1, 64(sp)\n\t"                                            \
  "addi t6, t6, -1\n\t" DOT_PIXEL(clip, "a0", "a4", "s0", "s4")                                    \
      DOT_PIXEL(clip, "a1", "a5", "s1", "s5") DOT_PIXEL(clip, "a2", "a6", "s2", "s6")              \
          DOT_PIXEL(clip, "a3", "a7", "s3", "s7") "sw gp, 20(sp)\n\tbnez t6, 0b\n\t" DOT_ON(8, 16) \
              DOT_ON(12, 16) DOT_ON(16, 16) DOT_ON(                                                \
                  80, 4) "sw t0, 20(sp)\n\tlw t0, 76(sp)\n\tsw t0, 0(sp)\n\tsw s10, 4(sp)\n\tlw "  \
                         "t6, 44(sp)\n\t" DOT_ON(84, -1) "bnez t0, 0b\n\tlw sp, 72(sp)"

#define DOT_REGISTERS                                                                              \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",  \
      "s9", "s10", "s11", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "memory"
