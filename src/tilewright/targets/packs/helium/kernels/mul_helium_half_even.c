#include "mul_helium_core.h"

void mul_helium_half_even(const void *args, tw_work work) {
  mul_helium_core(args, work, HELIUM_EVEN);
}
