/// Cores of a PULP cluster in the middle of a call that all of them do a part of at the same time:
/// they meet at barrier 0 of the event unit, and tell each other a number.
#pragma once

#include "xpulp.h"

/// In L1, of the target's start-up code: zeros where there is no core.
extern int32_t tw_told[8];
extern uint64_t tw_told_sums[8];

enum {
  XP_CORES = 8,
  XP_EVENT_UNIT = 0x10204000, // the calling core's own view; its first word: which events it sees
  XP_BARRIER_EVENT = 1 << 16,
  XP_EVENT_WAIT = 0x1020403c,
  XP_BARRIER_WAIT = 0x1020421c // arrive and sleep until all have
};

/// A load that sleeps until the event unit answers.
static inline void xp_event_load(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".insn i 0x03, 6, %0, 0(%1)" // p.elw
                   : "=r"(value)
                   : "r"(address)
                   : "memory");
}

/// Returns when all cores are here; what they have written is seen.
static inline void xp_meet(void) {
  *(volatile uint32_t *)(uintptr_t)XP_EVENT_UNIT = XP_BARRIER_EVENT;
  xp_event_load(XP_BARRIER_WAIT);
}

/// Sleeps until there is one of the events that the core sees.
static inline void xp_sleep(void) { xp_event_load(XP_EVENT_WAIT); }

/// Says this core's number, 0 or more, and returns the largest of all cores'.
static inline int32_t xp_largest(int32_t mine, int32_t core) {
  tw_told[core] = mine;
  xp_meet();
  int32_t most = 0;
  for (int32_t i = 0; i < XP_CORES; i++) {
    most = p_max(most, tw_told[i]);
  }
  return most;
}

/// Says this core's sum and returns that of all cores' sums.
static inline uint64_t xp_total(uint64_t mine, int32_t core) {
  tw_told_sums[core] = mine;
  xp_meet();
  uint64_t total = 0;
  for (int32_t i = 0; i < XP_CORES; i++) {
    total += tw_told_sums[i];
  }
  return total;
}
