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

/// Until at most `left` calls are under way.
static __attribute__((noinline, unused)) void tw_join_but(tw_job *job, uint32_t left) {
  if (job->is_running == 0) {
    return;
  }
  while (ita_pump() > left) {
  }
  __asm__ volatile("" ::: "memory"); // nothing that the engine writes is read before
  job->is_running = left;
}

static inline void tw_join(tw_job *job) { tw_join_but(job, 0); }

/// Before somebody looks at what a layer has made: the engine may still be working on it.
static inline void tw_settle(tw_job *job) {
#ifdef TW_OBSERVE
  tw_join(job);
#else
  (void)job;
#endif
}
