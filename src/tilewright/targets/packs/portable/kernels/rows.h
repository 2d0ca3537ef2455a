/// What is made of rows of `columns` elements; src/tilewright/ops/reductions.py says what each is.
#pragma once

#include "tilewright.h"

/// Values of `kind`.
enum { ROW_SUM, ROW_PRODUCT, ROW_MIN, ROW_MAX };

typedef struct {
  const float *x; // [rows][columns]
  float *y;       // [rows]
  int32_t kind;
  int32_t columns;
} reduce_row_f32_args;

typedef struct {
  const int32_t *x;
  int32_t *y;
  int32_t kind;
  int32_t columns;
} reduce_row_s32_args;

typedef struct {
  const float *x; // [rows][columns]
  int32_t *y;     // [rows]
  int32_t columns;
  int32_t is_least, is_last;
} arg_row_f32_args;

typedef struct {
  const int32_t *x;
  int32_t *y;
  int32_t columns;
  int32_t is_least, is_last;
} arg_row_s32_args;

typedef struct {
  const int8_t *x;
  int32_t *y;
  int32_t columns;
  int32_t is_least, is_last;
} arg_row_s8_args;

typedef struct {
  const float *x; // [rows][columns]
  int32_t *y;     // [rows][count]
  int32_t columns, count;
  int32_t is_least;
} order_row_f32_args;

typedef struct {
  const int32_t *x;
  int32_t *y;
  int32_t columns, count;
  int32_t is_least;
} order_row_s32_args;

typedef struct {
  const float *x; // [rows][columns]
  float *y;       // [rows][columns]
  int32_t columns;
  int32_t is_product, is_exclusive;
} running_f32_args;

typedef struct {
  const int32_t *x;
  int32_t *y;
  int32_t columns;
  int32_t is_product, is_exclusive;
} running_s32_args;

/// Work items are rows.
void reduce_row_f32(const void *args, tw_work work);
void reduce_row_s32(const void *args, tw_work work);
void arg_row_f32(const void *args, tw_work work);
void arg_row_s32(const void *args, tw_work work);
void arg_row_s8(const void *args, tw_work work);
void order_row_f32(const void *args, tw_work work);
void order_row_s32(const void *args, tw_work work);
void running_f32(const void *args, tw_work work);
void running_s32(const void *args, tw_work work);
