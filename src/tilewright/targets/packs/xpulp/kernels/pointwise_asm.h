/// Products of two times four elements in a step: strings and nothing else.
#pragma once

#include "xpulp.h"

#define MUL_ALL(one)                                                                               \
  one("%[a0]", "%[b0]") one("%[a1]", "%[b1]") one("%[a2]", "%[b2]") one("%[a3]", "%[b3]")
#define MUL_A(a, b) ".insn i 0x0b, 0, " a ", %[a], 1\n\t" // p.lb a, 1(a!)
#define MUL_B(a, b) ".insn i 0x0b, 0, " b ", %[b], 1\n\t"
#define MUL_TABLE(a, b) ".insn r 0x03, 7, 0x00, " a ", %[table], " a "\n\t" // p.lb
#define MUL_CENTRE(a, b) "sub " a ", " a ", %[az]\n\tsub " b ", " b ", %[bz]\n\t"
#define MUL_PRODUCT(a, b) "mul " a ", " a ", " b "\n\t"
#define MUL_SCALE(a, b) "mul " a ", " a ", %[multiplier]\n\t"
#define MUL_ROUND(a, b) ".insn r 0x5b, 6, 0x20, " a ", x0, %[shift]\n\t" // p.addrn
#define MUL_CLIP(a, b)                                                   /* p.max, p.min */        \
  ".insn r 0x33, 6, 0x02, " a ", " a ", %[low]\n\t.insn r 0x33, 4, 0x02, " a ", " a ", "           \
  "%[high]\n\t"
#define MUL_FINISH                                                                                 \
  MUL_ALL(MUL_CENTRE)                                                                              \
  MUL_ALL(MUL_PRODUCT)                                                                             \
  MUL_ALL(MUL_SCALE)                                                                               \
  MUL_ALL(MUL_ROUND)                                                                               \
  MUL_ALL(MUL_CLIP)                                                                                \
  ".insn r 0x57, 1, 0x70, %[b0], %[a1], %[a0]\n\t.insn r 0x57, 1, 0x6c, "                          \
  "%[b0], %[a3], %[a2]\n\t"                                                                        \
  ".insn r 0x57, 1, 0x00, %[b0], %[b0], %[zeros]\n\t" /* packs, pv.add.b */                        \
  ".insn s 0x2b, 2, %[b0], 4(%[y])\n\t.option pop"
#define MUL_LOOP(twice)                                                                            \
  ".option push\n\t.option norvc\n\t.insn i 0x7b, 4, x0, %[n], " twice "\n\t" // lp.setup
#define MUL_MAPPED MUL_LOOP("88") MUL_ALL(MUL_A) MUL_ALL(MUL_B) MUL_ALL(MUL_TABLE) MUL_FINISH
#define MUL_PLAIN MUL_LOOP("80") MUL_ALL(MUL_A) MUL_ALL(MUL_B) MUL_FINISH

#define MUL_SHORT(a, b) ".insn r 0x5b, 0, 0x40, " a ", " a ", " b "\n\t"            // p.muls
#define MUL_SCALE_16(a, b) ".insn r 0x5b, 4, 0x50, " a ", " a ", %[multiplier]\n\t" // p.mulsNR
#define MUL_BOUND(a, b) ".insn r 0x33, 5, 0x0a, " a ", " a ", %[high]\n\t"          // p.clip
/// Products of bytes have sixteen bits; so has the multiplier, whose shift is 16.
#define MUL_NARROW_FINISH                                                                          \
  MUL_ALL(MUL_SHORT)                                                                               \
  MUL_ALL(MUL_SCALE_16)                                                                            \
  MUL_ALL(MUL_BOUND)                                                                               \
  ".insn r 0x57, 1, 0x70, %[b0], %[a1], %[a0]\n\t.insn r 0x57, 1, 0x6c, "                          \
  "%[b0], %[a3], %[a2]\n\t.insn s 0x2b, 2, %[b0], 4(%[y])\n\t.option pop"
#define MUL_NARROW_MAPPED                                                                          \
  MUL_LOOP("54") MUL_ALL(MUL_A) MUL_ALL(MUL_B) MUL_ALL(MUL_TABLE) MUL_NARROW_FINISH
#define MUL_NARROW_PLAIN MUL_LOOP("46") MUL_ALL(MUL_A) MUL_ALL(MUL_B) MUL_NARROW_FINISH
