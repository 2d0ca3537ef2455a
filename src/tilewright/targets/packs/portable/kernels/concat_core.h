/// The loop of concat2 .. concat8, whatever copies.
#pragma once

#include "tilewright.h"

/// Copies `bytes` > 0 bytes, which may overlap.
typedef void concat_copier(uint8_t *to, const uint8_t *from, int32_t bytes);

/// What is joined: of each input, the bytes of a row.
typedef struct {
  const void *const *x;
  const int32_t *bytes;
  int32_t chunks; // a constant
} concat_inputs;

static inline __attribute__((always_inline)) void
concat_rows(concat_inputs from, void *y, tw_work work, concat_copier *move_bytes) {
  int32_t row_bytes = 0;
  for (int32_t i = 0; i < from.chunks; i++) {
    row_bytes += from.bytes[i];
  }
  uint8_t *to = (uint8_t *)y + work.start * row_bytes;
  for (int32_t row = work.start; row < work.stop; row++) {
    for (int32_t i = 0; i < from.chunks; i++) {
      move_bytes(to, (const uint8_t *)from.x[i] + row * from.bytes[i], from.bytes[i]);
      to += from.bytes[i];
    }
  }
}

/// Whether no input's rows of `work` share a byte with the output's.
static inline int32_t concat_is_apart(concat_inputs from, const uint8_t *y, int32_t row_bytes,
                                      tw_work work) {
  const uintptr_t start = (uintptr_t)(y + work.start * row_bytes);
  const uintptr_t stop = (uintptr_t)(y + work.stop * row_bytes);
  for (int32_t i = 0; i < from.chunks; i++) {
    const uint8_t *const x = from.x[i];
    if ((uintptr_t)(x + work.start * from.bytes[i]) < stop &&
        start < (uintptr_t)(x + work.stop * from.bytes[i])) {
      return 0;
    }
  }
  return 1;
}

/// The same input by input, which saves looking for the next one, where rows may be written before
/// others are read. `copy_bytes` is for where nothing overlaps.
static inline __attribute__((always_inline)) void concat_columns(concat_inputs from, void *y,
                                                                 tw_work work,
                                                                 concat_copier *copy_bytes,
                                                                 concat_copier *move_bytes) {
  int32_t row_bytes = 0;
  for (int32_t i = 0; i < from.chunks; i++) {
    row_bytes += from.bytes[i];
  }
  if (!concat_is_apart(from, y, row_bytes, work)) {
    concat_rows(from, y, work, move_bytes);
    return;
  }
  uint8_t *first = (uint8_t *)y + work.start * row_bytes;
  for (int32_t i = 0; i < from.chunks; i++) {
    const int32_t bytes = from.bytes[i];
    const uint8_t *x = (const uint8_t *)from.x[i] + work.start * bytes;
    uint8_t *to = first;
    for (int32_t rows = work.stop - work.start; rows > 0; rows--, x += bytes, to += row_bytes) {
      copy_bytes(to, x, bytes);
    }
    first += bytes;
  }
}
