#include "tile_core.h"

void tile_product_s8(const void *args, tw_work work) { tile_product_rows(args, 0, 0, work); }
