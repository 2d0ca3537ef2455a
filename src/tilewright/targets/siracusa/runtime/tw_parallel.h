/// A kernel call on the cores of Siracusa's cluster: the core that runs the network publishes it
/// and meets the others at a hardware barrier, everybody computes a share, all meet again.
#pragma once

#include "tilewright.h"

/// What the cores are to do next. It lies in L1; startup/cluster.c defines it.
typedef struct {
  tw_kernel *kernel;
  const void *args;
  int32_t each, more; // items of every core, and how many cores do one more
  uint8_t *scratch;   // of core 0
  int32_t stride;     // bytes to the scratch of the next core
} tw_phase;

extern tw_phase tw_next_phase;

enum {
  TW_EVENT_UNIT = 0x10204000, // the calling core's own view
  TW_EVENT_WAIT = 0x3c,       // offset: sleep until an event of the mask, then clear it
  TW_EVENT_BARRIER = 16,
  TW_EVENT_DMA = 8,
  TW_BARRIER_WAIT = 0x21c // offset: arrive at barrier 0 and sleep until all have
};

/// Which event ends this core's sleep. One at a time: any other that is pending would end it early.
static inline void tw_listen_to(int32_t event) {
  *(volatile uint32_t *)TW_EVENT_UNIT = UINT32_C(1) << event;
}

/// p.elw: a load that sleeps until the event unit answers.
static inline void tw_event_load(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".insn i 0x03, 6, %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");
}

/// Returns when all cores of the cluster are here.
static inline void tw_meet(void) { tw_event_load(TW_EVENT_UNIT + TW_BARRIER_WAIT); }

/// One core's share of the published call: neighbours, as tw_share has them.
static inline void tw_do_share(const tw_phase *phase, int32_t core) {
  const int32_t each = phase->each, more = phase->more;
  const int32_t start = core * each + (core < more ? core : more);
  const int32_t stop = start + each + (core < more ? 1 : 0);
  uint8_t *const scratch = phase->scratch;
  if (start < stop) {
    phase->kernel(phase->args,
                  (tw_work){start, stop, core, scratch != 0 ? scratch + core * phase->stride : 0});
  }
}

/// One copy for all layers, so that it stays in the instruction caches.
static __attribute__((noinline, unused)) void tw_parallel(tw_kernel *kernel, const void *args,
                                                          int32_t items, tw_team team) {
  tw_phase *const phase = &tw_next_phase;
  const int32_t cores = team.cores;
  const int32_t each = cores == 8 ? items >> 3 : items / cores; // a division takes 30 cycles
  phase->kernel = kernel;
  phase->args = args;
  phase->each = each;
  phase->more = items - each * cores;
  phase->scratch = team.scratch;
  phase->stride = team.stride;
  tw_listen_to(TW_EVENT_BARRIER);
  tw_meet();
  tw_do_share(phase, 0);
  tw_meet();
}
