/// Conversions and choices, element by element; src/tilewright/ops/convert.py says what each is.
#pragma once

#include "tilewright.h"

typedef struct {
  const float *x;
  int32_t *y; // may be x itself
} truncate_f32_args;

typedef struct {
  const int32_t *x;
  float *y; // may be x itself
} to_real_s32_args;

typedef struct {
  const int8_t *x;
  int32_t *y;
  int32_t zero;
} widen_s8_args;

typedef struct {
  const float *x;
  float *y; // may be x itself
  int32_t bits, smallest;
  float largest, beyond;
} shorten_f32_args;

typedef struct {
  const int32_t *condition;
  const uint32_t *a;
  const uint32_t *b;
  uint32_t *y; // may be any of the inputs
} select_32_args;

/// Work items are elements.
void truncate_f32(const void *args, tw_work work);
void to_real_s32(const void *args, tw_work work);
void widen_s8(const void *args, tw_work work);
void shorten_f32(const void *args, tw_work work);
void select_32(const void *args, tw_work work);
