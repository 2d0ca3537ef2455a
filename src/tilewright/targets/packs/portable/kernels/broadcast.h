/// Row by row over two operands of which either may be repeated (numpy's broadcasting).
///
/// The output is [n0][n1][n2][n3], row-major; a row is its last dimension. Operand a's element for
/// output element (i0, i1, i2, i3) is a[i0*a0 + i1*a1 + i2*a2 + i3*a3], with stride 0 where its
/// single element is repeated; a3 is 0 or 1. The strides come from broadcast.py.
#pragma once

#include "tilewright.h"

/// Where in an operand output row `row` starts, in elements.
static inline int32_t tw_row_start(int32_t row, int32_t n1, int32_t n2, int32_t s0, int32_t s1,
                                   int32_t s2) {
  return row / (n1 * n2) * s0 + row / n2 % n1 * s1 + row % n2 * s2;
}
