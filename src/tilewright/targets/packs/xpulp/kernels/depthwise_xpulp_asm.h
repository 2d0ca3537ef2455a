/// The assembly of depthwise_xpulp_core.h: strings and nothing else.
///
/// Two channels go down a column of outputs: a word of each channel's plane, once loaded, meets the
/// rows of the window for all outputs that it belongs to, and two results leave as one halfword. s8
/// holds a depthwise_xpulp_job. Registers:
///   s0 s1           first word, first output of a column; s10 t4 t2 on to the other channel's
///   word,
///                   to the next row's, to the next output
///   a6 s11          words and outputs, moving
///   s2-s4, s5-s7    the window's rows for each channel
///   a0 a5           two words; a1 a2, a3 a4 unfinished sums; a7 picks upper bytes
///   t0 t1, ra t5    lines; t6 rows in pairs
///   s9 tp           bounds; t3 gp columns, and what their outputs lie apart. Where lines are odd,
///                   s9 t3 are biases, tp the base, gp works
#pragma once

#include "xp_finish_asm.h"

#define DW_START(acc, x, w) ".insn r 0x57, 1, 0x4c, " acc ", " x ", " w "\n\t" // pv.dotsp.b
#define DW_DOT(acc, x, w) ".insn r 0x57, 1, 0x5c, " acc ", " x ", " w "\n\t"   // pv.sdotsp.b
#define DW_WORDS ".insn r 0x0b, 7, 0x10, a0, a6, s10\n\t.insn r 0x0b, 7, 0x10, a5, a6, t4\n\t"

/// How a kind of lines starts a sum: even ones have the bias in their offset.
#define DW_EVEN_START(a, x, w, bias) DW_START(a, x, w)
#define DW_ODD_START(a, x, w, bias) "mv " a ", " bias "\n\t" DW_DOT(a, x, w)
#define DW_STARTS(start, a, b) start(a, "a0", "s2", "s9") start(b, "a5", "s5", "t3")

/// The row `w` of a window meets the words, then two sums become outputs; on their way they leave
/// the shared FPUs to others.
#define DW_EVEN_FINISH(a, b)                                                                       \
  DW_DOT(a, "a0", "s4")                                                                            \
  DW_DOT(b, "a5", "s7")                                                                            \
  XP_FLOAT(a) XP_FLOAT(b) XP_LINE(a, "t0", "t1") XP_LINE(b, "ra", "t5") XP_INTEGER(a) XP_INTEGER(b)
#define DW_ODD_FINISH(a, b)                                                                        \
  DW_DOT(a, "a0", "s4")                                                                            \
  DW_DOT(b, "a5", "s7") XP_ODD_BY(a, "t0", "t1") XP_ODD_BY(b, "ra", "t5")

/// pv.shuffle2.b: the upper bytes; `clip`; p.sh with post-increment
#define DW_STORE(clip, a, b)                                                                       \
  ".insn r 0x57, 1, 0x64, " a ", " b ", a7\n\t" clip(a) ".insn r 0x2b, 5, 0x00, t2, s11, " a "\n"  \
                                                        "\t"
#define DW_NO_CLIP(a) ""
#define DW_CLIP(a)                                                                                 \
  ".insn r 0x57, 1, 0x18, " a ", " a ", s9\n\t.insn r 0x57, 1, 0x10, " a ", " a ", tp\n\t"

/// What a kind keeps in registers that others need, and how it goes on to the next column:
/// `columns` and what two outputs lie apart are in t3 and gp where lines are even.
#define DW_EVEN_MORE "lw t3, 60(s8)\n\tlw gp, 56(s8)\n\t"
#define DW_BOUNDS DW_EVEN_MORE "lw s9, 24(s8)\n\tlw tp, 28(s8)\n\t"
#define DW_ODD_MORE "lw s9, 24(s8)\n\tlw t3, 28(s8)\n\t" XP_LOAD_FLOAT("tp", "s8", "32")
#define DW_EVEN_NEXT                                                                               \
  "lw a0, 52(s8)\n\taddi t3, t3, -1\n\tadd s1, s1, gp\n\tadd s0, s0, a0\n\tbnez t3, 0b\n\t"
#define DW_ODD_NEXT                                                                                \
  "lw a0, 52(s8)\n\tlw a1, 56(s8)\n\tlw a3, 60(s8)\n\tadd s0, s0, a0\n\tadd s1, s1, a1\n\t"        \
  "addi a3, a3, -1\n\tsw a3, 60(s8)\n\tbnez a3, 0b\n\t"

#define DW_BEGIN(more)                                                                             \
  ".option push\n\t.option norvc\n\t"                                                              \
  "lw s0, 0(s8)\n\tlw a0, 4(s8)\n\tlw s1, 8(s8)\n\tlw a5, 36(s8)\n\tlw s10, 40(s8)\n\t"            \
  "lw t4, 44(s8)\n\tlw t2, 48(s8)\n\tlw t6, 64(s8)\n\tlw a7, 76(s8)\n\t"                           \
  "lw s2, 0(a0)\n\tlw s3, 4(a0)\n\tlw s4, 8(a0)\n\t"                                               \
  "lw s5, 0(a5)\n\tlw s6, 4(a5)\n\tlw s7, 8(a5)\n\t" XP_LOAD_FLOAT("t0", "s8", "12")               \
      XP_LOAD_FLOAT("t1", "s8", "16") XP_LOAD_FLOAT("ra", "s8", "20")                              \
          XP_LOAD_FLOAT("t5", "s8", "72") more "0:\n\tmv a6, s0\n\tmv s11, s1\n\t"
#define DW_END(next) next ".option pop"

/// Windows whose rows lie side by side, one output row after the other. `both`: twice the
/// instructions of two rows.
#define DW_ROW(start, finish, clip, p, q, r, s)                                                    \
  DW_WORDS finish(p, r) DW_STORE(clip, p, r) DW_DOT(q, "a0", "s3") DW_DOT(s, "a5", "s6")           \
      DW_STARTS(start, p, r)
#define DEPTHWISE_XPULP_BY_ONE(both, more, next, start, finish, clip)                              \
  DW_BEGIN(more)                                                                                   \
  DW_WORDS DW_STARTS(start, "a1", "a3") DW_WORDS DW_DOT("a1", "a0", "s3") DW_DOT("a3", "a5", "s6") \
      DW_STARTS(start, "a2",                                                                       \
                "a4") "beqz t6, 1f\n\t"                                                            \
                      ".insn i 0x7b, 4, x0, t6, " both                                             \
                      "\n\t" DW_ROW(start, finish, clip, "a1", "a2", "a3", "a4") DW_ROW(           \
                          start, finish, clip, "a2", "a1", "a4",                                   \
                          "a3") "1:\n\t"                                                           \
                                "lw a0, 68(s8)\n\tbeqz a0, 2f\n\t" DW_WORDS finish("a1", "a3")     \
                                    DW_STORE(clip, "a1", "a3") "2:\n\t" DW_END(next)

/// Every second row.
#define DEPTHWISE_XPULP_BY_TWO(body, more, next, start, finish, clip)                              \
  DW_BEGIN(more)                                                                                   \
  DW_WORDS DW_STARTS(start, "a1", "a3") ".insn i 0x7b, 4, x0, t6, " body                           \
                                        "\n\t" DW_WORDS DW_DOT("a1", "a0", "s3")                   \
                                            DW_DOT("a3", "a5", "s6") DW_WORDS finish("a1", "a3")   \
                                                DW_STORE(clip, "a1", "a3")                         \
                                                    DW_STARTS(start, "a1", "a3") DW_END(next)

/// Four pixels of four channels, %[x] on to the next ones: words of one channel each, in p, u, q,
/// s. p.lw with post-increment, pv.pack.h, pv.shuffle2.h, pv.shuffle2.b.
#define DW_TURN_LOAD(a) ".insn r 0x0b, 7, 0x10, " a ", %[x], %[step]\n\t"
#define DW_TURN_BYTES(a, b, by) ".insn r 0x57, 1, 0x64, " a ", " b ", " by "\n\t"
#define DEPTHWISE_XPULP_TURN                                                                       \
  DW_TURN_LOAD("%[q]")                                                                             \
  DW_TURN_LOAD("%[t]")                                                                             \
  DW_TURN_LOAD("%[s]")                                                                             \
  DW_TURN_LOAD("%[u]")                                                                             \
  ".insn r 0x57, 0, 0x68, %[p], %[s], %[q]\n\t.insn r 0x57, 0, 0x68, "                             \
  "%[r], %[u], %[t]\n\t"                                                                           \
  ".insn r 0x57, 0, 0x64, %[q], %[s], %[halves]\n\t"                                               \
  ".insn r 0x57, 0, 0x64, %[t], %[u], %[halves]\n\tmv %[u], %[p]\n\tmv "                           \
  "%[s], %[q]\n\t" DW_TURN_BYTES("%[p]", "%[r]", "%[low]")                                         \
      DW_TURN_BYTES("%[u]", "%[r]", "%[high]") DW_TURN_BYTES("%[q]", "%[t]", "%[low]")             \
          DW_TURN_BYTES("%[s]", "%[t]", "%[high]")
#define DEPTHWISE_XPULP_LEFT_OF(a) DW_TURN_BYTES(a, "%[zeros]", "%[left]")
#define DW_TURN_STORE(a, step) ".insn r 0x2b, 6, 0x00, " step ", %[to], " a "\n\t"
#define DEPTHWISE_XPULP_PUT                                                                        \
  DW_TURN_STORE("%[p]", "%[pitch]")                                                                \
  DW_TURN_STORE("%[u]", "%[pitch]")                                                                \
  DW_TURN_STORE("%[q]", "%[pitch]")                                                                \
  DW_TURN_STORE("%[s]", "%["                                                                       \
                        "on]")

#define DEPTHWISE_XPULP_REGISTERS                                                                  \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",  \
      "s9", "s10", "s11", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "memory"
