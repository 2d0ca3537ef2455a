#include "dense_xpulp_core.h"

void dense_xpulp_double(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void dense_xpulp_half_even(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void dense_xpulp_half_up(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_HALF_UP);
}

void dense_any_xpulp_double(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_DOUBLE);
}

void dense_any_xpulp_half_even(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_HALF_EVEN);
}

void dense_any_xpulp_half_up(const void *args, tw_work work) {
  dense_xpulp_core(args, work, TW_ROUND_HALF_UP);
}
