#include "matmul_helium_core.h"

void matmul_helium_half_even(const void *args, tw_work work) {
  matmul_helium_core(args, work, HELIUM_EVEN);
}
