// Double-precision arithmetic of RV32D on bit patterns: as float.c.
#include "snitch.h"

#include "fp_host.h"

#include <math.h>
#include <string.h>

static const uint64_t CANONICAL_NAN = 0x7ff8000000000000u;
static const uint64_t INFINITE = 0x7ff0000000000000u;
static const uint64_t QUIET = 0x0008000000000000u;

static double to_double(uint64_t v) {
  double d;
  memcpy(&d, &v, 8);
  return d;
}

static uint64_t from_double(double d) {
  uint64_t v;
  memcpy(&v, &d, 8);
  return v;
}

static bool is_nan(uint64_t v) { return (v & ~SIGN64) > INFINITE; }
static bool is_signalling(uint64_t v) { return is_nan(v) && (v & QUIET) == 0; }
static bool is_infinite(uint64_t v) { return (v & ~SIGN64) == INFINITE; }
static bool is_zero(uint64_t v) { return (v & ~SIGN64) == 0; }

static uint64_t end(tw_core *core, double result) {
  end_operation(core);
  const uint64_t out = from_double(result);
  return is_nan(out) ? CANONICAL_NAN : out;
}

uint64_t tw_dadd(tw_core *core, uint32_t rm, uint64_t a, uint64_t b) {
  volatile double x = to_double(a), y = to_double(b), r;
  begin(core, rm);
  r = x + y;
  return end(core, r);
}

uint64_t tw_dsub(tw_core *core, uint32_t rm, uint64_t a, uint64_t b) {
  volatile double x = to_double(a), y = to_double(b), r;
  begin(core, rm);
  r = x - y;
  return end(core, r);
}

uint64_t tw_dmul(tw_core *core, uint32_t rm, uint64_t a, uint64_t b) {
  volatile double x = to_double(a), y = to_double(b), r;
  begin(core, rm);
  r = x * y;
  return end(core, r);
}

uint64_t tw_ddiv(tw_core *core, uint32_t rm, uint64_t a, uint64_t b) {
  volatile double x = to_double(a), y = to_double(b), r;
  begin(core, rm);
  r = x / y;
  return end(core, r);
}

uint64_t tw_dsqrt(tw_core *core, uint32_t rm, uint64_t a) {
  volatile double x = to_double(a), r;
  begin(core, rm);
  r = sqrt(x);
  return end(core, r);
}

uint64_t tw_dmadd(tw_core *core, uint32_t rm, uint64_t a, uint64_t b, uint64_t c) {
  // Infinity times zero is invalid even where the addend is a quiet NaN.
  if ((is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b))) {
    core->fflags |= NV;
    return CANONICAL_NAN;
  }
  volatile double x = to_double(a), y = to_double(b), z = to_double(c), r;
  begin(core, rm);
  r = fma(x, y, z);
  return end(core, r);
}

static bool is_less(uint64_t a, uint64_t b) {
  const double x = to_double(a), y = to_double(b);
  return x < y || (x == y && (a & SIGN64) > (b & SIGN64));
}

static uint64_t pick(tw_core *core, uint64_t a, uint64_t b, bool wants_first) {
  if (is_signalling(a) || is_signalling(b)) {
    core->fflags |= NV;
  }
  if (is_nan(a)) {
    return is_nan(b) ? CANONICAL_NAN : b;
  }
  return is_nan(b) || wants_first ? a : b;
}

uint64_t tw_dmin(tw_core *core, uint64_t a, uint64_t b) {
  return pick(core, a, b, !is_nan(a) && !is_nan(b) && is_less(a, b));
}

uint64_t tw_dmax(tw_core *core, uint64_t a, uint64_t b) {
  return pick(core, a, b, !is_nan(a) && !is_nan(b) && is_less(b, a));
}

uint32_t tw_deq(tw_core *core, uint64_t a, uint64_t b) {
  if (is_signalling(a) || is_signalling(b)) {
    core->fflags |= NV;
  }
  return !is_nan(a) && !is_nan(b) && to_double(a) == to_double(b);
}

static bool is_unordered(tw_core *core, uint64_t a, uint64_t b) {
  const bool is_any = is_nan(a) || is_nan(b);
  core->fflags |= is_any ? NV : 0;
  return is_any;
}

uint32_t tw_dlt(tw_core *core, uint64_t a, uint64_t b) {
  return !is_unordered(core, a, b) && to_double(a) < to_double(b);
}

uint32_t tw_dle(tw_core *core, uint64_t a, uint64_t b) {
  return !is_unordered(core, a, b) && to_double(a) <= to_double(b);
}

uint32_t tw_dclass(uint64_t a) {
  const bool is_negative = (a & SIGN64) != 0;
  if (is_nan(a)) {
    return is_signalling(a) ? 1u << 8 : 1u << 9;
  }
  if (is_infinite(a)) {
    return is_negative ? 1u << 0 : 1u << 7;
  }
  if (is_zero(a)) {
    return is_negative ? 1u << 3 : 1u << 4;
  }
  const bool is_subnormal = (a & INFINITE) == 0;
  return is_subnormal ? (is_negative ? 1u << 2 : 1u << 5) : (is_negative ? 1u << 1 : 1u << 6);
}

uint32_t tw_single_from_double(tw_core *core, uint32_t rm, uint64_t a) {
  if (is_nan(a)) {
    core->fflags |= is_signalling(a) ? NV : 0;
    return 0x7fc00000u;
  }
  volatile double x = to_double(a);
  volatile float r;
  begin(core, rm);
  r = (float)x;
  end_operation(core);
  const float narrow = r;
  uint32_t v;
  memcpy(&v, &narrow, 4);
  return v;
}

uint64_t tw_double_from_single(tw_core *core, uint32_t a) {
  float narrow;
  memcpy(&narrow, &a, 4);
  if (isnan(narrow)) {
    core->fflags |= (a & 0x00400000u) == 0 ? NV : 0;
    return CANONICAL_NAN;
  }
  return from_double((double)narrow);
}

static double rounded(const tw_core *core, uint32_t rm, double x) {
  switch (rm == 7 ? core->frm : rm) {
  case 1:
    return trunc(x);
  case 2:
    return floor(x);
  case 3:
    return ceil(x);
  case 4:
    return round(x);
  default:
    return nearbyint(x);
  }
}

uint32_t tw_w_from_double(tw_core *core, uint32_t rm, uint64_t a) {
  const double r = is_nan(a) ? INFINITY : rounded(core, rm, to_double(a));
  if (r > 2147483647.0 || r < -2147483648.0) {
    core->fflags |= NV;
    return r > 0 ? 0x7fffffffu : 0x80000000u;
  }
  core->fflags |= r == to_double(a) ? 0 : NX;
  return (uint32_t)(int32_t)r;
}

uint32_t tw_wu_from_double(tw_core *core, uint32_t rm, uint64_t a) {
  const double r = is_nan(a) ? INFINITY : rounded(core, rm, to_double(a));
  if (r > 4294967295.0 || r < 0.0) {
    core->fflags |= NV;
    return r > 0 ? UINT32_MAX : 0;
  }
  core->fflags |= r == to_double(a) ? 0 : NX;
  return (uint32_t)r;
}

uint64_t tw_double_from_w(uint32_t a) { return from_double((double)(int32_t)a); }

uint64_t tw_double_from_wu(uint32_t a) { return from_double((double)a); }
