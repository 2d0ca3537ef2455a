#include "matmul_helium_core.h"

void matmul_helium_double(const void *args, tw_work work) {
  matmul_helium_core(args, work, HELIUM_LEFT);
}
