/// A kernel call on the compute cores of a Snitch cluster: the core that runs the network publishes
/// it and meets the others at the hardware's barrier, each computes a share, all meet again.
#pragma once

#include "ita_queue.h"
#include "tilewright.h"

#include <string.h>

/// What the compute cores are to do next. It lies in L1; startup/cluster.c defines it.
typedef struct {
  tw_kernel *kernel;
  const void *args;
  int32_t cores;                  // that take part; the others meet them only
  int32_t each, more;             // items of every core, and how many cores do one more
  uint8_t *scratch;               // of core 0
  int32_t stride;                 // bytes to the scratch of the next core
  _Alignas(4) uint8_t is_done[8]; // a byte for each core: whether it has done its share
} tw_phase;

extern tw_phase tw_next_phase;

/// Returns when all nine cores of the cluster are here, and what they have stored is there.
static inline void tw_meet(void) {
  uint32_t value;
  __asm__ volatile("fence\n csrr %0, 0x7c2" : "=r"(value)::"memory");
}

/// One core's share of the published call: neighbours, as tw_share has them.
static inline void tw_do_share(const tw_phase *phase, int32_t core) {
  const int32_t each = phase->each, more = phase->more;
  const int32_t start = core * each + (core < more ? core : more);
  const int32_t stop = start + each + (core < more ? 1 : 0);
  uint8_t *const scratch = phase->scratch;
  if (core < phase->cores && start < stop) {
    phase->kernel(phase->args,
                  (tw_work){start, stop, core, scratch != 0 ? scratch + core * phase->stride : 0});
  }
}

/// Whether all cores have done their shares.
static inline int32_t tw_is_done(const tw_phase *phase) {
  const volatile uint32_t *const four = (const volatile uint32_t *)(const void *)phase->is_done;
  return four[0] == 0x01010101 && four[1] == 0x01010101;
}

/// One copy for all layers, so that it stays in the instruction caches.
static __attribute__((noinline, unused)) void tw_parallel(tw_kernel *kernel, const void *args,
                                                          int32_t items, tw_team team) {
  tw_phase *const phase = &tw_next_phase;
  const int32_t cores = team.cores;
  const int32_t each = cores == 8 ? items >> 3 : items / cores; // the cluster has one divider
  phase->kernel = kernel;
  phase->args = args;
  phase->cores = cores;
  phase->each = each;
  phase->more = items - each * cores;
  phase->scratch = team.scratch;
  phase->stride = team.stride;
  memset(phase->is_done, 0, sizeof phase->is_done);
  tw_meet();
  while (ita_pump() != 0 && tw_is_done(phase) == 0) { // who sleeps at the barrier feeds nobody
  }
  tw_meet();
}
