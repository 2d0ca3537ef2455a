/// The last row; the meaning is LastRow in src/tilewright/ops/llm/embedding.py.
#pragma once

#include "tilewright.h"

/// There is one work item.
typedef struct {
  const void *x; // [before + row_bytes] bytes
  void *y;       // [row_bytes] bytes
  int32_t before, row_bytes;
} last_row_args;

void last_row(const void *args, tw_work work);
