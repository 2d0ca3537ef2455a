/// Attention of the integer dialect for XpulpV2; arguments and meaning are those of
/// ratio_attention_s8.h, but that `table` is prepared, int32[284]: 256 entries by
/// x - largest + 255, each below 2**16 in the lower half and, shifted left so that the largest
/// fills sixteen bits, in the upper half; then attention_way of ratio_attention_scores.h.
#pragma once

#include "ratio_attention_s8.h"

/// Work items are queries of heads. Scratch, with keys rounded up to fours: 176 bytes, values by
/// columns, [columns][keys], scores, [rows up to eight][keys], numerators, int32[keys], and a
/// number per column.
void ratio_attention_xpulp(const void *args, tw_work work);
