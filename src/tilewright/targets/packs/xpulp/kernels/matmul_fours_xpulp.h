/// int8 product of two tensors that are both computed at run time, rounded half up, where rows of
/// both operands are whole words; arguments and meaning are those of matmul_s8.h.
#pragma once

#include "matmul_s8.h"

/// Work items are rows of the output; depth and columns are multiples of four, b has no zero point.
/// Scratch: a number per column, and b's columns.
void matmul_fours_xpulp(const void *args, tw_work work);
