#include "mean_helium_core.h"

void mean_helium_double(const void *args, tw_work work) {
  mean_helium_core(args, work, HELIUM_LEFT);
}
