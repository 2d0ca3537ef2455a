// Address maps, bank occupation, and every access that is not one word of one plain memory.
#include "memory.h"

tw_route *tw_route_of(tw_sim *sim, int32_t view, uint32_t address) {
  uint8_t index = sim->pages[view][address >> 16];
  while (index != 0 && address - sim->routes[index].base >= sim->routes[index].size) {
    index = sim->routes[index].next;
  }
  return &sim->routes[index];
}

bool tw_memory_at(tw_sim *sim, int32_t view, uint32_t address, tw_memory **memory, uint32_t *offset,
                  int32_t *latency) {
  const tw_route *route = tw_route_of(sim, view, address);
  if (route->kind != TW_MEMORY && route->kind != TW_TEST_AND_SET) {
    return false;
  }
  *memory = &sim->memories[route->target];
  *offset = address - route->base + (uint32_t)route->offset;
  *latency = route->latency;
  return true;
}

void tw_forget_code(tw_memory *memory, uint32_t offset, uint32_t size) {
  // An instruction of four bytes may begin two bytes before.
  const uint32_t first = offset >= 2 ? (offset - 2) >> 1 : 0;
  for (uint32_t slot = first; slot <= (offset + size - 1) >> 1; slot++) {
    memory->code[slot].op = 0;
    memory->code[slot].entry = 1;
  }
}

int32_t tw_bank_wait(tw_sim *sim, tw_memory *memory, uint32_t offset, int64_t picoseconds,
                     int32_t way) {
  if (memory->banks == 0) {
    return 0;
  }
  const int32_t wait =
      tw_wait_own_domain(memory, offset, picoseconds / sim->period[memory->domain]);
  return wait > way ? wait - way : 0;
}

int32_t tw_bank_wait_line(tw_sim *sim, tw_memory *memory, uint32_t offset, int64_t picoseconds,
                          int32_t way) {
  int32_t longest = 0;
  for (uint32_t word = 0; word < 4; word++) {
    const int32_t wait = tw_bank_wait(sim, memory, offset + 4 * word, picoseconds, way);
    longest = wait > longest ? wait : longest;
  }
  return longest;
}

// Whether a check forbids the access; raises the fault.
static bool is_forbidden(tw_sim *sim, tw_core *core, tw_memory *memory, uint32_t address,
                         uint32_t offset, uint32_t size, bool is_write) {
  if (address - core->guard_start < core->guard_size) {
    tw_raise(sim, core, TW_F_STACK, address, size);
    return true;
  }
  if (sim->checks_dma && sim->dma_owns != NULL &&
      sim->dma_owns(sim, memory, offset, size, is_write)) {
    tw_raise(sim, core, TW_F_OWNED_BY_DMA, address, size);
    return true;
  }
  if (memory->is_written == NULL) {
    return false;
  }
  for (uint32_t i = 0; i < size; i++) {
    if (is_write) {
      memory->is_written[offset + i] = 1;
    } else if (!memory->is_written[offset + i]) {
      tw_raise(sim, core, TW_F_UNINITIALISED, address, size);
      return true;
    }
  }
  return false;
}

// Books the banks of an access that may cross a word; the second word follows a cycle later.
static int32_t wait_for_banks(tw_sim *sim, tw_core *core, const tw_route *route, uint32_t offset,
                              uint32_t size, int64_t cycle) {
  tw_memory *memory = &sim->memories[route->target];
  const int64_t period = sim->period[core->domain];
  int32_t latency = tw_bank_wait(sim, memory, offset, cycle * period, route->latency);
  core->lost[TW_L_CONFLICT] += latency;
  latency += route->latency;
  if ((offset & 3) + size > 4) {
    latency += 1 + route->latency;
    latency += tw_bank_wait(sim, memory, offset + 4, (cycle + latency) * period, 0);
  }
  core->lost[TW_L_FAR] += route->latency;
  return latency;
}

// Devices count cycles of the cluster.
static uint32_t access_device(tw_sim *sim, tw_core *core, int64_t cycle, const tw_route *route,
                              uint32_t offset, uint32_t value, bool is_write) {
  const int64_t at = core->domain == 0 ? cycle : cycle * sim->period[core->domain] / sim->period[0];
  sim->now = cycle * sim->period[core->domain];
  return sim->devices[route->target](sim, core, at, offset, value, is_write);
}

static bool reach(tw_sim *sim, tw_core *core, uint32_t address, uint32_t size, bool is_write,
                  const tw_route **route, uint32_t *offset) {
  *route = tw_route_of(sim, core->view, address);
  *offset = address - (*route)->base;
  if ((*route)->kind == TW_NOTHING || *offset + size > (*route)->size) {
    tw_raise(sim, core, TW_F_UNMAPPED, address, size);
    return false;
  }
  *offset += (uint32_t)(*route)->offset;
  if ((*route)->kind == TW_DEVICE) {
    return true;
  }
  return !is_forbidden(sim, core, &sim->memories[(*route)->target], address, *offset, size,
                       is_write);
}

uint32_t tw_load_slowly(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                        uint32_t address, uint32_t size) {
  const tw_route *route;
  uint32_t offset;
  uint32_t value = 0;
  *latency = 0;
  if (!reach(sim, core, address, size, false, &route, &offset)) {
    return 0;
  }
  if (route->kind == TW_DEVICE) {
    *latency = route->latency;
    core->lost[TW_L_FAR] += route->latency;
    return access_device(sim, core, cycle, route, offset, 0, false);
  }
  tw_memory *memory = &sim->memories[route->target];
  *latency = wait_for_banks(sim, core, route, offset, size, cycle);
  memcpy(&value, memory->bytes + offset, size);
  if (route->kind == TW_TEST_AND_SET) {
    // The store of -1 is a second access: it delays whoever comes next.
    tw_bank_wait(sim, memory, offset, cycle * sim->period[core->domain], 0);
    memset(memory->bytes + (offset & ~3u), 0xff, 4);
  }
  return value;
}

void tw_store_slowly(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency, uint32_t address,
                     uint32_t size, uint32_t value) {
  const tw_route *route;
  uint32_t offset;
  *latency = 0;
  if (!reach(sim, core, address, size, true, &route, &offset)) {
    return;
  }
  if (route->kind == TW_DEVICE) {
    *latency = route->latency;
    core->lost[TW_L_FAR] += route->latency;
    access_device(sim, core, cycle, route, offset, value, true);
    return;
  }
  tw_memory *memory = &sim->memories[route->target];
  *latency = wait_for_banks(sim, core, route, offset, size, cycle);
  memcpy(memory->bytes + offset, &value, size);
  tw_forget_code(memory, offset, size);
}
