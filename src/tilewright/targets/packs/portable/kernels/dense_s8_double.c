#include "dense_s8_core.h"

void dense_s8_double(const void *args, tw_work work) { dense_s8_core(args, work, TW_ROUND_DOUBLE); }
