#include "binary.h"
#include "broadcast.h"
#include "tw_arithmetic.h"
#include "wrapped_s32.h"

static int32_t quotient(int32_t a, int32_t b) {
  return b == 0 ? 0 : b == -1 ? tw_wrapped_sub(0, a) : a / b;
}

static int32_t remainder_of(int32_t a, int32_t b) { return b == 0 || b == -1 ? 0 : a % b; }

static int32_t modulus(int32_t a, int32_t b) {
  const int32_t rest = remainder_of(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int32_t power(int32_t a, int32_t b) {
  if (b < 0) {
    return a == 1 || a == -1 ? (b % 2 != 0 ? a : 1) : 0;
  }
  int32_t result = 1;
  for (; b != 0; b /= 2) {
    result = b % 2 != 0 ? tw_wrapped_mul(result, a) : result;
    a = tw_wrapped_mul(a, a);
  }
  return result;
}

static int32_t arithmetic(int32_t a, int32_t b, int32_t kind) {
  switch (kind) {
  case BINARY_KIND_ADD:
    return tw_wrapped_add(a, b);
  case BINARY_KIND_SUB:
    return tw_wrapped_sub(a, b);
  case BINARY_KIND_MUL:
    return tw_wrapped_mul(a, b);
  case BINARY_KIND_DIV:
    return quotient(a, b);
  case BINARY_KIND_MIN:
    return a < b ? a : b;
  case BINARY_KIND_MAX:
    return a > b ? a : b;
  case BINARY_KIND_POW:
    return power(a, b);
  case BINARY_KIND_MOD:
    return modulus(a, b);
  case BINARY_KIND_FMOD:
    return remainder_of(a, b);
  default:
    return a < 0 ? tw_wrapped_mul(a, b) : a;
  }
}

static int32_t logical(int32_t a, int32_t b, int32_t kind) {
  const int is_shift = b >= 0 && b <= 31;
  switch (kind) {
  case BINARY_KIND_AND:
    return a & b;
  case BINARY_KIND_OR:
    return a | b;
  case BINARY_KIND_XOR:
    return a ^ b;
  case BINARY_KIND_LEFT:
    return is_shift ? (int32_t)((uint32_t)a << b) : 0;
  case BINARY_KIND_RIGHT:
    return tw_shift_right(a, is_shift ? b : 31);
  case BINARY_KIND_EQUAL:
    return a == b;
  case BINARY_KIND_LESS:
    return a < b;
  default:
    return a <= b;
  }
}

void binary_s32(const void *args, tw_work work) {
  const binary_s32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t row = i / k->n3, column = i % k->n3;
    const int32_t a = k->a[tw_row_start(row, k->n1, k->n2, k->a0, k->a1, k->a2) + column * k->a3];
    const int32_t b = k->b[tw_row_start(row, k->n1, k->n2, k->b0, k->b1, k->b2) + column * k->b3];
    k->y[i] = k->kind < BINARY_KIND_AND ? arithmetic(a, b, k->kind) : logical(a, b, k->kind);
  }
}
