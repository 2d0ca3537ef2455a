/// Four elements of a normalised row in a step: string and nothing else.
#pragma once

#include "xpulp.h"

#define NORM_ALL(one)                                                                              \
  one("%[a]", "%[e]") one("%[b]", "%[f]") one("%[c]", "%[g]") one("%[d]", "%[h]")
#define NORM_X(r, s) ".insn i 0x0b, 0, " r ", %[x], 1\n\t"          // p.lb r, 1(x!)
#define NORM_FACTOR(r, s) ".insn i 0x0b, 2, " s ", %[scale], 4\n\t" // p.lw s, 4(scale!)
#define NORM_CENTRE(r, s) "sub " r ", " r ", %[zero]\n\t"
#define NORM_PRODUCT(r, s) "mul " r ", " r ", " s "\n\t"
#define NORM_SIGN(r, s) "srai " s ", " r ", 31\n\t"
#define NORM_SIZE(r, s) ".insn r 0x33, 0, 0x02, " r ", " r ", x0\n\t" // p.abs
#define NORM_QUOTIENT(r, s) "mulhu " r ", " r ", %[factor]\n\t"
#define NORM_SHIFT(r, s) "srl " r ", " r ", %[down]\n\t"
#define NORM_FLIP(r, s) "xor " r ", " r ", " s "\n\t"
#define NORM_SIGNED(r, s) "sub " r ", " r ", " s "\n\t"
#define NORM_SCALE(r, s) "sra " r ", " r ", %[shift]\n\t"
#define NORM_BIAS(r, s) ".insn i 0x0b, 2, " s ", %[bias], 4\n\t"
#define NORM_ADD(r, s) "add " r ", " r ", " s "\n\t"
#define NORM_LOADED NORM_ALL(NORM_X) NORM_ALL(NORM_FACTOR) NORM_ALL(NORM_CENTRE)
#define NORM_SIZED NORM_ALL(NORM_PRODUCT) NORM_ALL(NORM_SIGN) NORM_ALL(NORM_SIZE)
#define NORM_DIVIDED NORM_ALL(NORM_QUOTIENT) NORM_ALL(NORM_SHIFT)
#define NORM_SCALED NORM_LOADED NORM_SIZED NORM_DIVIDED NORM_ALL(NORM_FLIP) NORM_ALL(NORM_SIGNED)
#define NORM_STORE                                                                                 \
  ".insn r 0x57, 1, 0x70, %[e], %[b], %[a]\n\t.insn r 0x57, 1, 0x6c, %[e], %[d], %[c]\n\t"         \
  ".insn s 0x2b, 2, %[e], 4(%[y])\n\t.option pop" // pv.packlo.b, pv.packhi.b, p.sw
#define NORM_LOOP(twice)                                                                           \
  ".option push\n\t.option norvc\n\t.insn i 0x7b, 4, x0, %[n], " twice "\n\t" // lp.setup
#define NORM_MASK(r, s) "and " s ", " s ", %[less]\n\t"
#define NORM_DOWN(r, s) ".insn r 0x5b, 2, 0x20, " r ", " s ", %[shift]\n\t"  // p.addN
#define NORM_WITHIN(r, s) ".insn r 0x33, 5, 0x0a, " r ", " r ", %[most]\n\t" // p.clip
#define NORM_HALF(r, s) "mv " s ", %[half]\n\t"
#define NORM_TIMES(r, s) ".insn r 0x33, 0, 0x21, " s ", " r ", %[factor]\n\t" // p.mac
/// The low bits that a division towards zero would drop are added to what is below zero, then all
/// divisions are floors; results are upper bytes: pv.shuffle2.b twice, pv.pack.h, p.sw.
#define NORM_ROOTED                                                                                \
  NORM_ALL(NORM_PRODUCT)                                                                           \
  NORM_ALL(NORM_SIGN)                                                                              \
  NORM_ALL(NORM_MASK)                                                                              \
  NORM_ALL(NORM_DOWN)                                                                              \
  NORM_ALL(NORM_WITHIN)                                                                            \
  NORM_ALL(NORM_HALF)                                                                              \
  NORM_ALL(NORM_TIMES)                                                                             \
  ".insn r 0x57, 1, 0x64, %[e], %[f], %[uppers]\n\t"                                               \
  ".insn r 0x57, 1, 0x64, %[g], %[h], %[uppers]\n\t"                                               \
  ".insn r 0x57, 0, 0x68, %[e], %[g], %[e]\n\t"                                                    \
  ".insn s 0x2b, 2, %[e], 4(%[y])\n\t.option pop"
#define NORM_RMS NORM_LOOP("80") NORM_ALL(NORM_X) NORM_ALL(NORM_FACTOR) NORM_ROOTED
#define NORM_RMS_CENTRED NORM_LOOP("88") NORM_LOADED NORM_ROOTED
#define NORM_LAYER                                                                                 \
  NORM_LOOP("110")                                                                                 \
  NORM_SCALED NORM_ALL(NORM_BIAS) NORM_ALL(NORM_ADD) NORM_ALL(NORM_SCALE) NORM_STORE
