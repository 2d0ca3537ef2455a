/// int8 product of two tensors that are both computed at run time, for XpulpV2; arguments and
/// meaning are those of matmul_s8.h.
#pragma once

#include "matmul_s8.h"

/// Work items are rows of the output. Scratch: b's columns by fours, [columns / 4][depth / 4] times
/// sixteen bytes, a row of a, and a number per column; all rounded up.
void matmul_xpulp_double(const void *args, tw_work work);
void matmul_xpulp_half_even(const void *args, tw_work work);
void matmul_xpulp_half_up(const void *args, tw_work work);
