/// The loop of concat2 .. concat8.
#pragma once

#include <string.h>

#include "tilewright.h"

/// `chunks` is a constant. memmove, because y may share memory with an input.
static inline void concat_rows(const void *const *x, const int32_t *bytes, int32_t chunks, void *y,
                               tw_work work) {
  int32_t row_bytes = 0;
  for (int32_t i = 0; i < chunks; i++) {
    row_bytes += bytes[i];
  }
  uint8_t *to = (uint8_t *)y + work.start * row_bytes;
  for (int32_t row = work.start; row < work.stop; row++) {
    for (int32_t i = 0; i < chunks; i++) {
      memmove(to, (const uint8_t *)x[i] + row * bytes[i], (size_t)bytes[i]);
      to += bytes[i];
    }
  }
}
