// The fast path of loads and stores: one bank of one memory; everything else goes to memory.c.
#ifndef TW_MEMORY_H
#define TW_MEMORY_H

#include "sim.h"

#include <string.h>

// Cycles a word access waits for its bank, which it books. The bank counts the core's own cycles
// and is four bytes wide, as all banks beside PULP cores.
static inline int32_t tw_wait_own_domain(tw_memory *memory, uint32_t offset, int64_t cycle) {
  int64_t *slot = &memory->free[(offset >> 2) & (uint32_t)(memory->banks - 1)];
  const int64_t start = *slot > cycle ? *slot : cycle;
  *slot = start + 1;
  return (int32_t)(start - cycle);
}

static inline bool tw_is_simple(const tw_sim *sim, const tw_core *core, const tw_route *route,
                                uint32_t address, uint32_t size) {
  const uint32_t offset = address - route->base;
  return route->kind == TW_MEMORY && offset + size <= route->size && offset < route->size &&
         (address & 3) + size <= 4 && address - core->guard_start >= core->guard_size &&
         !sim->checks_uninitialised && !sim->checks_dma;
}

// Zero-extended value at `address`; *latency: cycles beyond the first.
static inline uint32_t tw_load(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                               uint32_t address, uint32_t size) {
  const tw_route *route = &sim->routes[sim->pages[core->view][address >> 16]];
  tw_memory *memory = &sim->memories[route->target & (TW_MEMORIES - 1)];
  if (!tw_is_simple(sim, core, route, address, size) || memory->domain != core->domain) {
    return tw_load_slowly(sim, core, cycle, latency, address, size);
  }
  const uint32_t offset = address - route->base + (uint32_t)route->offset;
  int32_t wait = 0;
  if (memory->banks != 0) {
    wait = tw_wait_own_domain(memory, offset, cycle);
    core->lost[TW_L_CONFLICT] += wait;
  }
  core->lost[TW_L_FAR] += route->latency;
  *latency = route->latency + wait;
  uint32_t value = 0;
  memcpy(&value, memory->bytes + offset, size);
  return value;
}

static inline void tw_store(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                            uint32_t address, uint32_t size, uint32_t value) {
  const tw_route *route = &sim->routes[sim->pages[core->view][address >> 16]];
  tw_memory *memory = &sim->memories[route->target & (TW_MEMORIES - 1)];
  if (!tw_is_simple(sim, core, route, address, size) || memory->domain != core->domain) {
    tw_store_slowly(sim, core, cycle, latency, address, size, value);
    return;
  }
  const uint32_t offset = address - route->base + (uint32_t)route->offset;
  int32_t wait = 0;
  if (memory->banks != 0) {
    wait = tw_wait_own_domain(memory, offset, cycle);
    core->lost[TW_L_CONFLICT] += wait;
  }
  core->lost[TW_L_FAR] += route->latency;
  *latency = route->latency + wait;
  memcpy(memory->bytes + offset, &value, size);
  if (memory->has_code[offset >> 6] != 0) {
    tw_forget_code(memory, offset, size);
  }
}

#endif
