/// Attention of the integer dialect for XpulpV2; arguments and meaning are those of
/// ratio_attention_s8.h, but that `table` is prepared, int32[276]: 256 entries by
/// x - largest + 255, each below 2**16 in the lower half and, shifted left so that the largest
/// fills sixteen bits, in the upper half; then f where `before` divides by 2**f toward zero (-1
/// where it does anything else), the largest entry of `before`, the largest entry of all, 0, and
/// for each sixteen distances the largest entry from there on.
#pragma once

#include "ratio_attention_s8.h"

/// Work items are queries of heads. Scratch, with keys rounded up to fours: 240 bytes, values by
/// columns, [columns][keys], scores, [rows up to eight][keys], numerators, int32[keys], and a
/// number per column.
void ratio_attention_xpulp(const void *args, tw_work work);
