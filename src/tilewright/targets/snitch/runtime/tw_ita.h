/// Calls of ITA, beside the cores. The core that runs the network feeds the engine with jobs
/// whenever it waits for something; whoever needs the result goes on feeding until all are done.
#pragma once

#include "ita_queue.h"
#include "tilewright.h"

#include <stddef.h>

/// A call under way.
typedef struct {
  uint32_t is_running;
} tw_job;

/// Kernels of the engine copy what they need: the arguments may go.
static inline void tw_offload(tw_job *job, tw_kernel *kernel, const void *args, size_t bytes,
                              int32_t items, int32_t piece, tw_team team) {
  (void)bytes;
  (void)piece;
  kernel(args, (tw_work){.stop = items, .scratch = team.scratch});
  job->is_running = 1;
}

static __attribute__((noinline, unused)) void tw_join(tw_job *job) {
  if (job->is_running == 0) {
    return;
  }
  while (ita_pump() != 0) {
  }
  while (ita_registers()[ITA_STATUS] != 0) {
  }
  __asm__ volatile("" ::: "memory"); // nothing that the engine writes is read before
  job->is_running = 0;
}
