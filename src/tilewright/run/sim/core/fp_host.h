// Floating-point arithmetic of the host under a core's rounding mode, with its flags (float.c,
// double.c). Compiled with -frounding-math; callers keep operands and results volatile, so that
// operations stay between begin and end.
#ifndef TW_FP_HOST_H
#define TW_FP_HOST_H

#include "sim.h"

enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };

#if defined(__x86_64__) && defined(__SSE2__)

// fenv.h also saves and restores the x87 unit, which takes longer than most operations. All of ours
// are SSE instructions: one register holds their rounding mode (bits 14:13) and flags.
enum { MASKED = 0x1f80, ROUNDING = 13, IE = 1, ZE = 4, OE = 8, UE = 16, PE = 32 };

static inline uint32_t host_rounding(const tw_core *core, uint32_t rm) {
  switch (rm == 7 ? core->frm : rm) { // ties away (4): to even, as below
  case 1:
    return 3u << ROUNDING;
  case 2:
    return 1u << ROUNDING;
  case 3:
    return 2u << ROUNDING;
  default:
    return 0;
  }
}

static inline void begin(const tw_core *core, uint32_t rm) {
  __builtin_ia32_ldmxcsr(MASKED | host_rounding(core, rm));
}

static inline void end_operation(tw_core *core) {
  const uint32_t raised = __builtin_ia32_stmxcsr();
  if ((raised & (3u << ROUNDING)) != 0) {
    __builtin_ia32_ldmxcsr(MASKED);
  }
  core->fflags |= ((raised & PE) != 0 ? NX : 0u) | ((raised & UE) != 0 ? UF : 0u) |
                  ((raised & OE) != 0 ? OF : 0u) | ((raised & ZE) != 0 ? DZ : 0u) |
                  ((raised & IE) != 0 ? NV : 0u);
}

#else

#include <fenv.h>

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

#endif
