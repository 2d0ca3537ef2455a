/// Two operands, element by element, with broadcasting: see broadcast.h, and
/// src/tilewright/ops/binary.py for what each kind is.
#pragma once

#include "tilewright.h"

/// Values of `kind`, as in binary.py.
enum {
  BINARY_KIND_ADD,
  BINARY_KIND_SUB,
  BINARY_KIND_MUL,
  BINARY_KIND_DIV,
  BINARY_KIND_MIN,
  BINARY_KIND_MAX,
  BINARY_KIND_POW,
  BINARY_KIND_MOD,
  BINARY_KIND_FMOD,
  BINARY_KIND_PRELU,
  BINARY_KIND_AND,
  BINARY_KIND_OR,
  BINARY_KIND_XOR,
  BINARY_KIND_LEFT,
  BINARY_KIND_RIGHT,
  BINARY_KIND_EQUAL,
  BINARY_KIND_LESS,
  BINARY_KIND_LESS_EQUAL,
};

typedef struct {
  const float *a;
  const float *b;
  float *y; // [n0][n1][n2][n3]; may be an operand that is not repeated
  int32_t kind;
  int32_t n1, n2, n3;
  int32_t a0, a1, a2, a3; // strides of a, in elements; a3 is 0 or 1
  int32_t b0, b1, b2, b3; // strides of b
} binary_f32_args;

typedef struct {
  const float *a;
  const float *b;
  int32_t *y; // 1 or 0
  int32_t kind;
  int32_t n1, n2, n3;
  int32_t a0, a1, a2, a3;
  int32_t b0, b1, b2, b3;
} compare_f32_args;

typedef struct {
  const int32_t *a;
  const int32_t *b;
  int32_t *y;
  int32_t kind;
  int32_t n1, n2, n3;
  int32_t a0, a1, a2, a3;
  int32_t b0, b1, b2, b3;
} binary_s32_args;

/// Work items are output elements.
void binary_f32(const void *args, tw_work work);
void compare_f32(const void *args, tw_work work);
void binary_s32(const void *args, tw_work work);
