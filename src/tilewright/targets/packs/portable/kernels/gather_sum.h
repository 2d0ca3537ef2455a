/// Rows chosen by index, from a table that comes in parts; the meaning is GatherSum in
/// src/tilewright/ops/gather.py.
#pragma once

#include "tilewright.h"

/// Work items and indices as in gather.h, where the whole table has `rows` rows; here are those
/// from number `first` on, `here` of them.
typedef struct {
  const void *x;        // parts of [here][row_bytes]
  const int32_t *index; // [count]
  void *y;              // parts of [count][row_bytes]
  int32_t rows, first, here, count;
  int32_t row_bytes;
  int32_t adds; // 1: rows that are not here stay as they are in y, else they become zeros
} gather_sum_args;

void gather_sum(const void *args, tw_work work);
