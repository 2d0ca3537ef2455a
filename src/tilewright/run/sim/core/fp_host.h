// Floating-point arithmetic of the host under a core's rounding mode, with its flags (float.c,
// double.c). Compiled with -frounding-math; callers keep operands and results volatile, so that
// operations stay between begin and end.
#ifndef TW_FP_HOST_H
#define TW_FP_HOST_H

#include "sim.h"

#include <fenv.h>

enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };

// Round to nearest, ties away (mode 4), has no counterpart on the host: it rounds ties to even.
static inline int host_rounding(const tw_core *core, uint32_t rm) {
  switch (rm == 7 ? core->frm : rm) {
  case 1:
    return FE_TOWARDZERO;
  case 2:
    return FE_DOWNWARD;
  case 3:
    return FE_UPWARD;
  default:
    return FE_TONEAREST;
  }
}

static inline void begin(const tw_core *core, uint32_t rm) {
  feclearexcept(FE_ALL_EXCEPT);
  const int rounding = host_rounding(core, rm);
  if (rounding != FE_TONEAREST) {
    fesetround(rounding);
  }
}

static inline void end_operation(tw_core *core) {
  const int raised = fetestexcept(FE_ALL_EXCEPT);
  if (fegetround() != FE_TONEAREST) {
    fesetround(FE_TONEAREST);
  }
  core->fflags |= (uint32_t)((raised & FE_INEXACT ? NX : 0) | (raised & FE_UNDERFLOW ? UF : 0) |
                             (raised & FE_OVERFLOW ? OF : 0) | (raised & FE_DIVBYZERO ? DZ : 0) |
                             (raised & FE_INVALID ? NV : 0));
}

#endif
