#include "tw_sim.h"

static void greet(int core, void *name) {
  printf("hello %s, this is core %d\n", (const char *)name, core);
}

int main(void) {
  tw_run_on_cluster(8, greet, "world");
  return 0;
}
