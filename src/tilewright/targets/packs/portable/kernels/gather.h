/// Rows chosen by index; the meaning is Gather in src/tilewright/ops/gather.py.
#pragma once

#include "tilewright.h"

/// One work item is one chosen row: item i of part p = i / count is row index[i % count] of part p.
/// An index below 0 counts from the end; one beyond the table means the nearest row.
typedef struct {
  const void *x;        // parts of [rows][row_bytes]
  const int32_t *index; // [count]
  void *y;              // parts of [count][row_bytes]
  int32_t rows, count;  // > 0
  int32_t row_bytes;
} gather_args;

void gather(const void *args, tw_work work);
