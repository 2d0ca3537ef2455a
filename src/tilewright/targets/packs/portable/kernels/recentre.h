/// uint8 to int8 (x - 128) or int8 to uint8 (x + 128): both flip the top bit.
#pragma once

#include "tilewright.h"

typedef struct {
  const void *x; // [size] bytes
  void *y;       // [size] bytes; may be x itself
} recentre_args;

/// Work items are elements.
void recentre(const void *args, tw_work work);
