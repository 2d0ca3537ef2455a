/// Rows of four elements meet four columns: strings and nothing else.
#pragma once

#include "xpulp.h"

#define FOURS_ALL(one) one("%[r0]") one("%[r1]") one("%[r2]") one("%[r3]")
#define FOURS_DOT(r, b) ".insn r 0x57, 1, 0x4c, " r ", %[x], %[" b "]\n\t"      // pv.dotsp.b
#define FOURS_HALF_WORD(r) ".insn r 0x33, 1, 0x0a, " r ", " r ", x16\n\t"       // p.clipi
#define FOURS_SCALE(r) ".insn r 0x5b, 4, 0x50, " r ", " r ", %[multiplier]\n\t" // p.mulsNR
#define FOURS_BOUND(r) ".insn r 0x33, 5, 0x0a, " r ", " r ", %[high]\n\t"       // p.clip
/// lp.setup of 20 instructions: p.lw, the above, pv.packlo.b, pv.packhi.b, p.sw.
#define FOURS_NARROW                                                                               \
  ".option push\n\t.option norvc\n\t.insn i 0x7b, 4, x0, %[n], 40\n\t"                             \
  ".insn i 0x0b, 2, %[x], %[from], 4\n\t" FOURS_DOT("%[r0]", "b0") FOURS_DOT("%[r1]", "b1")        \
      FOURS_DOT("%[r2]", "b2") FOURS_DOT("%[r3]", "b3") FOURS_ALL(FOURS_HALF_WORD)                 \
          FOURS_ALL(FOURS_SCALE)                                                                   \
              FOURS_ALL(FOURS_BOUND) ".insn r 0x57, 1, 0x70, %[x], %[r1], %[r0]\n\t"               \
                                     ".insn r 0x57, 1, 0x6c, %[x], %[r3], %[r2]\n\t"               \
                                     ".insn r 0x2b, 6, 0x00, %[step], %[to], %[x]\n\t.option pop"
