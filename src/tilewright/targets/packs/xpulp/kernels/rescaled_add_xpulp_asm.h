/// The assembly of rescaled_add_xpulp.c: strings and nothing else.
#pragma once

#include "xp_requantise.h"

/// What one lane of four takes: mv, p.mac twice, p.addrn, then `clip` to its own register.
#define RESCALED_ADD_LANE(a, b, clip)                                                              \
  "mv %[t], %[start]\n\t.insn r 0x33, 0, 0x21, %[t], " a ", %[am]\n\t"                             \
  ".insn r 0x33, 0, 0x21, %[t], " b ", %[bm]\n\t"                                                  \
  ".insn r 0x5b, 6, 0x20, %[t], x0, %[shift]\n\t" clip(a)
#define RESCALED_ADD_POSITIVE(a) ".insn r 0x33, 6, 0x0a, " a ", %[t], %[high]\n\t" // p.clipur
#define RESCALED_ADD_SIGNED(a) /* p.max, p.min */                                                  \
  ".insn r 0x33, 6, 0x02, %[t], %[t], %[low]\n\t.insn r 0x33, 4, 0x02, " a ", %[t], %[high]\n\t"
#define RESCALED_ADD_LB(to, at) ".insn i 0x0b, 0, " to ", " at ", 1\n\t" // p.lb to, 1(at!)

/// Fours of elements; `twice`: twice the instructions of the loop.
#define RESCALED_ADD_FOURS(twice, clip)                                                            \
  ".option push\n\t.option norvc\n\t"                                                              \
  ".insn i 0x7b, 4, x0, %[n], " twice "\n\t" /* lp.setup */                                        \
      RESCALED_ADD_LB("%[x0]", "%[a]") RESCALED_ADD_LB("%[z0]", "%[b]") RESCALED_ADD_LB(           \
          "%[x1]", "%[a]") RESCALED_ADD_LB("%[z1]", "%[b]") RESCALED_ADD_LB("%[x2]", "%[a]")       \
          RESCALED_ADD_LB("%[z2]", "%[b]") RESCALED_ADD_LB("%[x3]", "%[a]")                        \
              RESCALED_ADD_LB("%[z3]", "%[b]") RESCALED_ADD_LANE("%[x0]", "%[z0]", clip)           \
                  RESCALED_ADD_LANE("%[x1]", "%[z1]", clip)                                        \
                      RESCALED_ADD_LANE("%[x2]", "%[z2]", clip) RESCALED_ADD_LANE(                 \
                          "%[x3]", "%[z3]",                                                        \
                          clip) ".insn r 0x57, 1, 0x70, %[t], %[x1], %[x0]\n\t" /* pv.packlo.b */  \
                                ".insn r 0x57, 1, 0x6c, %[t], %[x3], %[x2]\n\t" /* pv.packhi.b */  \
                                ".insn r 0x57, 1, 0x00, %[t], %[t], %[zeros]\n\t" /* pv.add.b */   \
                                ".insn s 0x2b, 2, %[t], 4(%[y])\n\t"              /* p.sw */       \
                                ".option pop"
