/// Attention of the integer dialect for XpulpV2; arguments and meaning are those of
/// ratio_attention_s8.h, but that `table` is prepared: [256] by x - largest + 255, times
/// levels - 1.
#pragma once

#include "ratio_attention_s8.h"

/// Work items are queries of heads. Scratch, with keys rounded up to fours: values by columns,
/// [columns][keys], scores, [rows up to
/// eight][keys], numerators, int32[keys], and a number per column.
void ratio_attention_xpulp(const void *args, tw_work work);
