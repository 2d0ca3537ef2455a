#include "conv2d_helium_half_even.h"

void conv2d_groups_helium_half_even(const void *args, tw_work work) {
  conv2d_helium_core(args, work, conv2d_helium_choose(args), conv2d_helium_run);
}
