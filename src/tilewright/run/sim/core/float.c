#include "float.h"

#include "fp_host.h"

#include <math.h>
#include <string.h>

static const uint32_t CANONICAL_NAN = 0x7fc00000u;
static const uint32_t SIGN_BIT = 0x80000000u;

static float to_float(uint32_t v) {
  float f;
  memcpy(&f, &v, 4);
  return f;
}

static uint32_t from_float(float f) {
  uint32_t v;
  memcpy(&v, &f, 4);
  return v;
}

static bool is_nan(uint32_t v) { return (v & 0x7fffffffu) > 0x7f800000u; }
static bool is_signalling(uint32_t v) { return is_nan(v) && (v & 0x00400000u) == 0; }

static uint32_t end(tw_core *core, float result) {
  end_operation(core);
  const uint32_t out = from_float(result);
  return is_nan(out) ? CANONICAL_NAN : out;
}

uint32_t tw_fadd(tw_core *core, uint32_t rm, uint32_t a, uint32_t b) {
  volatile float x = to_float(a), y = to_float(b), r;
  begin(core, rm);
  r = x + y;
  return end(core, r);
}

uint32_t tw_fsub(tw_core *core, uint32_t rm, uint32_t a, uint32_t b) {
  volatile float x = to_float(a), y = to_float(b), r;
  begin(core, rm);
  r = x - y;
  return end(core, r);
}

uint32_t tw_fmul(tw_core *core, uint32_t rm, uint32_t a, uint32_t b) {
  volatile float x = to_float(a), y = to_float(b), r;
  begin(core, rm);
  r = x * y;
  return end(core, r);
}

uint32_t tw_fdiv(tw_core *core, uint32_t rm, uint32_t a, uint32_t b) {
  volatile float x = to_float(a), y = to_float(b), r;
  begin(core, rm);
  r = x / y;
  return end(core, r);
}

uint32_t tw_fsqrt(tw_core *core, uint32_t rm, uint32_t a) {
  volatile float x = to_float(a), r;
  begin(core, rm);
  r = sqrtf(x);
  return end(core, r);
}

static bool is_infinite(uint32_t v) { return (v & 0x7fffffffu) == 0x7f800000u; }
static bool is_zero(uint32_t v) { return (v & 0x7fffffffu) == 0; }

uint32_t tw_fmadd(tw_core *core, uint32_t rm, uint32_t a, uint32_t b, uint32_t c) {
  // Infinity times zero is invalid even where the addend is a quiet NaN.
  if ((is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b))) {
    core->fflags |= NV;
    return CANONICAL_NAN;
  }
  volatile float x = to_float(a), y = to_float(b), z = to_float(c), r;
  begin(core, rm);
  r = fmaf(x, y, z);
  return end(core, r);
}

static bool is_less(uint32_t a, uint32_t b) {
  const float x = to_float(a), y = to_float(b);
  return x < y || (x == y && (a & SIGN_BIT) > (b & SIGN_BIT));
}

static uint32_t pick(tw_core *core, uint32_t a, uint32_t b, bool wants_first) {
  if (is_signalling(a) || is_signalling(b)) {
    core->fflags |= NV;
  }
  if (is_nan(a)) {
    return is_nan(b) ? CANONICAL_NAN : b;
  }
  return is_nan(b) || wants_first ? a : b;
}

uint32_t tw_fmin(tw_core *core, uint32_t a, uint32_t b) {
  return pick(core, a, b, !is_nan(a) && !is_nan(b) && is_less(a, b));
}

uint32_t tw_fmax(tw_core *core, uint32_t a, uint32_t b) {
  return pick(core, a, b, !is_nan(a) && !is_nan(b) && is_less(b, a));
}

uint32_t tw_feq(tw_core *core, uint32_t a, uint32_t b) {
  if (is_signalling(a) || is_signalling(b)) {
    core->fflags |= NV;
  }
  return !is_nan(a) && !is_nan(b) && to_float(a) == to_float(b);
}

uint32_t tw_flt(tw_core *core, uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) {
    core->fflags |= NV;
    return 0;
  }
  return to_float(a) < to_float(b);
}

uint32_t tw_fle(tw_core *core, uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) {
    core->fflags |= NV;
    return 0;
  }
  return to_float(a) <= to_float(b);
}

uint32_t tw_fclass(uint32_t a) {
  const bool is_negative = (a & SIGN_BIT) != 0;
  if (is_nan(a)) {
    return is_signalling(a) ? 1u << 8 : 1u << 9;
  }
  if (is_infinite(a)) {
    return is_negative ? 1u << 0 : 1u << 7;
  }
  if (is_zero(a)) {
    return is_negative ? 1u << 3 : 1u << 4;
  }
  const bool is_subnormal = (a & 0x7f800000u) == 0;
  return is_subnormal ? (is_negative ? 1u << 2 : 1u << 5) : (is_negative ? 1u << 1 : 1u << 6);
}

// Rounded to an integer; every float is exact as a double, so the range test is too.
static double rounded(const tw_core *core, uint32_t rm, uint32_t a) {
  const double x = (double)to_float(a);
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

uint32_t tw_fcvt_w(tw_core *core, uint32_t rm, uint32_t a) {
  const double r = is_nan(a) ? INFINITY : rounded(core, rm, a);
  if (r > 2147483647.0 || r < -2147483648.0) {
    core->fflags |= NV;
    return r > 0 ? 0x7fffffffu : SIGN_BIT;
  }
  core->fflags |= r == (double)to_float(a) ? 0 : NX;
  return (uint32_t)(int32_t)r;
}

uint32_t tw_fcvt_wu(tw_core *core, uint32_t rm, uint32_t a) {
  const double r = is_nan(a) ? INFINITY : rounded(core, rm, a);
  if (r > 4294967295.0 || r < 0.0) {
    core->fflags |= NV;
    return r > 0 ? UINT32_MAX : 0;
  }
  core->fflags |= r == (double)to_float(a) ? 0 : NX;
  return (uint32_t)r;
}

uint32_t tw_fcvt_from_w(tw_core *core, uint32_t rm, uint32_t a) {
  volatile int32_t x = (int32_t)a;
  volatile float r;
  begin(core, rm);
  r = (float)x;
  return end(core, r);
}

uint32_t tw_fcvt_from_wu(tw_core *core, uint32_t rm, uint32_t a) {
  volatile int64_t x = (int64_t)a;
  volatile float r;
  begin(core, rm);
  r = (float)x;
  return end(core, r);
}
