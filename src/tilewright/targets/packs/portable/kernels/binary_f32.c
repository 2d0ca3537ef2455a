#include "binary.h"

#include <math.h>

#include "broadcast.h"

static float modulus(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0F && (rest < 0.0F) != (b < 0.0F) ? rest + b : rest;
}

static float smaller(float a, float b) { return a < b || isnan(a) ? a : b; }

static float larger(float a, float b) { return a > b || isnan(a) ? a : b; }

static float combined(float a, float b, int32_t kind) {
  switch (kind) {
  case BINARY_KIND_ADD:
    return a + b;
  case BINARY_KIND_SUB:
    return a - b;
  case BINARY_KIND_MUL:
    return a * b;
  case BINARY_KIND_DIV:
    return a / b;
  case BINARY_KIND_MIN:
    return smaller(a, b);
  case BINARY_KIND_MAX:
    return larger(a, b);
  case BINARY_KIND_POW:
    return powf(a, b);
  case BINARY_KIND_MOD:
    return modulus(a, b);
  case BINARY_KIND_FMOD:
    return fmodf(a, b);
  default:
    return a < 0.0F ? a * b : a;
  }
}

void binary_f32(const void *args, tw_work work) {
  const binary_f32_args *const k = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    const int32_t row = i / k->n3, column = i % k->n3;
    const float a = k->a[tw_row_start(row, k->n1, k->n2, k->a0, k->a1, k->a2) + column * k->a3];
    const float b = k->b[tw_row_start(row, k->n1, k->n2, k->b0, k->b1, k->b2) + column * k->b3];
    k->y[i] = combined(a, b, k->kind);
  }
}
