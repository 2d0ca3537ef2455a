#include "quick_loops.h"

#include "matmul_s8_core.h"

void matmul_s8_double(const void *args, tw_work work) {
  matmul_s8_core(args, work, TW_ROUND_DOUBLE);
}

void matmul_s8_half_even(const void *args, tw_work work) {
  matmul_s8_core(args, work, TW_ROUND_HALF_EVEN);
}

void matmul_s8_half_up(const void *args, tw_work work) {
  matmul_s8_core(args, work, TW_ROUND_HALF_UP);
}
