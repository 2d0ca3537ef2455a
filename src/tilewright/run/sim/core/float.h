// Single-precision arithmetic of RV32F on bit patterns: rounding mode and flags of the core,
// canonical NaNs (0x7fc00000), denormals kept.
#ifndef TW_FLOAT_H
#define TW_FLOAT_H

#include "sim.h"

uint32_t tw_fadd(tw_core *core, uint32_t rm, uint32_t a, uint32_t b);
uint32_t tw_fsub(tw_core *core, uint32_t rm, uint32_t a, uint32_t b);
uint32_t tw_fmul(tw_core *core, uint32_t rm, uint32_t a, uint32_t b);
uint32_t tw_fdiv(tw_core *core, uint32_t rm, uint32_t a, uint32_t b);
uint32_t tw_fsqrt(tw_core *core, uint32_t rm, uint32_t a);
uint32_t tw_fmadd(tw_core *core, uint32_t rm, uint32_t a, uint32_t b, uint32_t c); // a * b + c
uint32_t tw_fmin(tw_core *core, uint32_t a, uint32_t b);
uint32_t tw_fmax(tw_core *core, uint32_t a, uint32_t b);
uint32_t tw_feq(tw_core *core, uint32_t a, uint32_t b);
uint32_t tw_flt(tw_core *core, uint32_t a, uint32_t b);
uint32_t tw_fle(tw_core *core, uint32_t a, uint32_t b);
uint32_t tw_fclass(uint32_t a);
uint32_t tw_fcvt_w(tw_core *core, uint32_t rm, uint32_t a);
uint32_t tw_fcvt_wu(tw_core *core, uint32_t rm, uint32_t a);
uint32_t tw_fcvt_from_w(tw_core *core, uint32_t rm, uint32_t a);
uint32_t tw_fcvt_from_wu(tw_core *core, uint32_t rm, uint32_t a);

#endif
