/// Jobs of N-EUREKA, the engine beside the cluster: the core that runs the network writes a job's
/// registers and goes on; whoever needs the result sleeps until the engine has no job left.
#pragma once

#include <stddef.h>

#include "tilewright.h"
#include "tw_parallel.h"

/// A call under way.
typedef struct {
  uint32_t is_running;
} tw_job;

enum {
  TW_NEUREKA_STATUS = 0x1020100c, // a bit for each job that waits or runs
  TW_EVENT_NEUREKA = 12
};

/// Kernels of the engine start their job and return: the arguments may go.
static inline void tw_offload(tw_job *job, tw_kernel *kernel, const void *args, size_t bytes,
                              int32_t items, int32_t piece, tw_team team) {
  (void)bytes;
  (void)piece;
  kernel(args, (tw_work){.stop = items, .scratch = team.scratch});
  job->is_running = 1;
}

/// An event of an earlier job may end the sleep too soon, so the status decides.
static __attribute__((noinline, unused)) void tw_join(tw_job *job) {
  if (job->is_running == 0) {
    return;
  }
  tw_listen_to(TW_EVENT_NEUREKA);
  while (*(volatile uint32_t *)TW_NEUREKA_STATUS != 0) {
    tw_event_load(TW_EVENT_UNIT + TW_EVENT_WAIT);
  }
  job->is_running = 0;
}

/// Before somebody looks at what a layer has made: the engine may still be working on it.
static inline void tw_settle(tw_job *job) {
#ifdef TW_OBSERVE
  tw_join(job);
#else
  (void)job;
#endif
}
