#include "tile_attention_core.h"

void tile_attention_s8(const void *args, tw_work work) { tile_attention_rows(args, 0, work); }
