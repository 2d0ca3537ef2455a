/// Where the rows of a padded tensor come from.
#pragma once

#include "tilewright.h"

/// The row of x that output row `row` holds, or -1 where the row is all border.
/// out, before, in: the five outer dimensions.
static inline int32_t pad_source_row(int32_t row, const int32_t *out, const int32_t *before,
                                     const int32_t *in) {
  int32_t source = 0, rows = 1;
  for (int32_t d = 4; d >= 0; d--) {
    const int32_t index = row % out[d] - before[d];
    if (index < 0 || index >= in[d]) {
      return -1;
    }
    source += index * rows;
    rows *= in[d];
    row /= out[d];
  }
  return source;
}
