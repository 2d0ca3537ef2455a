/// Factors of a norm in tiles for clusters of RV32 cores that share a multiplier.
#pragma once

#include "tile_norm_s8.h"

/// The arguments are tile_norm_factors_args. Scratch: 1 KiB.
void tile_norm_factors_rv32(const void *args, tw_work work);
