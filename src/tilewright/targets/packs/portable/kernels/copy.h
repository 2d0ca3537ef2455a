/// The same bytes in another place.
#pragma once

#include "tilewright.h"

typedef struct {
  const void *x; // [size] bytes
  void *y;       // [size] bytes; may overlap x
} copy_args;

/// Work items are bytes.
void copy(const void *args, tw_work work);
