/// Shares a kernel call among threads as the host's runtime does.
#include "../../src/tilewright/targets/host/runtime/tw_parallel.h"

void bench_parallel(tw_kernel *kernel, const void *args, int32_t items, tw_team team);

void bench_parallel(tw_kernel *kernel, const void *args, int32_t items, tw_team team) {
  tw_parallel(kernel, args, items, team);
}
