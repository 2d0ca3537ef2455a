#include "transpose_core.h"

void transpose_32(const void *args, tw_work work) { transpose_rows(args, work, 4); }
