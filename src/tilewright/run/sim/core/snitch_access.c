// Loads and stores of Snitch cores: one word of the TCDM, or anything outside it.
//
// A request waits for its bank (the core with it); the data comes back `load_result` cycles later.
// Outside the TCDM the core has a narrow port that takes an access every `far_period` half cycles.
#include "snitch.h"

#include "memory.h"

// The memory behind an access that needs no second look, and the place in it; NULL: look.
static tw_memory *plain(tw_sim *sim, const tw_core *core, uint32_t address, uint32_t size,
                        uint32_t *offset, bool *is_far) {
  const tw_route *route = &sim->routes[sim->pages[core->view][address >> 16]];
  const uint32_t at = address - route->base;
  if (route->kind != TW_MEMORY || at >= route->size || at + size > route->size ||
      (address & (size - 1)) != 0 || address - core->guard_start < core->guard_size ||
      sim->checks_uninitialised || sim->checks_dma) {
    return NULL;
  }
  *offset = at + (uint32_t)route->offset;
  *is_far = route->latency != 0;
  return &sim->memories[route->target];
}

static int64_t *bank_of(tw_memory *memory, uint32_t offset) {
  return &memory->free[(offset >> memory->word_shift) & (uint32_t)(memory->banks - 1)];
}

// Waits for the bank, or for the narrow port, and says when the data is there.
static void request(tw_sim *sim, tw_core *core, int64_t *cycle, tw_memory *memory, uint32_t offset,
                    bool is_far) {
  tw_snitch_core *s = core->snitch;
  const tw_snitch_timing *timing = &sim->snitch->timing;
  int64_t start = *cycle;
  if (is_far) {
    const int64_t free = s->far_free / 2;
    start = free > start ? free : start;
    s->far_free = (s->far_free > 2 * start ? s->far_free : 2 * start) + timing->far_period;
    core->lost[TW_L_FAR] += start - *cycle;
    s->at = start + timing->far_result;
  } else {
    if (memory->banks != 0) {
      int64_t *free = bank_of(memory, offset);
      start = *free > start ? *free : start;
      *free = start + 1;
    }
    s->at = start + timing->load_result;
    start = timing->loads_hold ? start : *cycle;
    core->lost[TW_L_CONFLICT] += start - *cycle;
  }
  *cycle = start;
}

static bool is_refused(tw_sim *sim, tw_core *core, uint32_t address, uint32_t size) {
  const bool traps = (address & (size - 1)) != 0 && sim->snitch->timing.traps_misaligned;
  if (traps) {
    tw_raise(sim, core, TW_F_MISALIGNED, address, size);
  }
  return traps;
}

// Devices, accesses across words, and whatever a check looks at.
static uint32_t load_slowly(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                            uint32_t size) {
  int32_t latency = 0;
  if (is_refused(sim, core, address, size)) {
    return 0;
  }
  const tw_route *route = tw_route_of(sim, core->view, address);
  const bool is_far = route->kind == TW_DEVICE || route->latency != 0;
  if (is_far) {
    request(sim, core, cycle, NULL, 0, true);
  }
  const uint32_t value = tw_load_slowly(sim, core, *cycle, &latency, address, size);
  core->snitch->at = is_far ? core->snitch->at : *cycle + latency + sim->snitch->timing.load_result;
  return value;
}

static void store_slowly(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                         uint32_t size, uint32_t value) {
  int32_t latency = 0;
  if (is_refused(sim, core, address, size)) {
    return;
  }
  const tw_route *route = tw_route_of(sim, core->view, address);
  if (route->kind == TW_DEVICE || route->latency != 0) {
    request(sim, core, cycle, NULL, 0, true);
    core->snitch->far_done = *cycle + sim->snitch->timing.far_store;
  }
  core->cycle = *cycle;
  tw_store_slowly(sim, core, *cycle, &latency, address, size, value);
}

uint32_t tw_snitch_load(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                        uint32_t size) {
  uint32_t offset, value = 0;
  bool is_far;
  tw_memory *memory = plain(sim, core, address, size, &offset, &is_far);
  if (memory == NULL) {
    return load_slowly(sim, core, cycle, address, size);
  }
  request(sim, core, cycle, memory, offset, is_far);
  memcpy(&value, memory->bytes + offset, size);
  return value;
}

static void store(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address, uint32_t size,
                  uint32_t value) {
  uint32_t offset;
  bool is_far;
  tw_memory *memory = plain(sim, core, address, size, &offset, &is_far);
  if (memory == NULL) {
    store_slowly(sim, core, cycle, address, size, value);
    return;
  }
  if (is_far || sim->snitch->timing.stores_conflict) {
    request(sim, core, cycle, memory, offset, is_far);
  }
  memcpy(memory->bytes + offset, &value, size);
  if (memory->has_code[offset >> 6] != 0) {
    tw_forget_code(memory, offset, size);
  }
  if (is_far) {
    core->snitch->far_done = *cycle + sim->snitch->timing.far_store;
  }
}

void tw_snitch_store(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address, uint32_t size,
                     uint32_t value) {
  store(sim, core, cycle, address, size, value);
  if (address == sim->snitch->tohost && address != 0 && sim->fault == TW_F_NONE) {
    tw_call_host(sim, core, value);
  }
}

static bool is_aligned(tw_sim *sim, tw_core *core, uint32_t address) {
  if ((address & 3) != 0) {
    tw_raise(sim, core, TW_F_MISALIGNED, address, 4);
  }
  return (address & 3) == 0;
}

void tw_snitch_modify(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t address, uint32_t value) {
  uint32_t offset;
  bool is_far;
  if (sim->fault != TW_F_NONE || !is_aligned(sim, core, address)) {
    return;
  }
  tw_memory *memory = plain(sim, core, address, 4, &offset, &is_far);
  if (memory == NULL) {
    store_slowly(sim, core, &cycle, address, 4, value);
    return;
  }
  memcpy(memory->bytes + offset, &value, 4);
  tw_forget_code(memory, offset, 4);
  if (!is_far) {
    core->snitch->at += sim->snitch->timing.amo_result - sim->snitch->timing.load_result;
    if (memory->banks != 0) { // the bank reads, computes and writes
      *bank_of(memory, offset) += sim->snitch->timing.amo_bank - 1;
    }
  }
}

// A reservation is a word and what it held: a store that changes it breaks the reservation.
uint32_t tw_snitch_reserve(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address) {
  if (!is_aligned(sim, core, address)) {
    return 0;
  }
  core->reserved_address = address;
  core->reserved_value = tw_snitch_load(sim, core, cycle, address, 4);
  return core->reserved_value;
}

uint32_t tw_snitch_conditional(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                               uint32_t value) {
  if (!is_aligned(sim, core, address)) {
    return 1;
  }
  const uint32_t held = tw_snitch_load(sim, core, cycle, address, 4);
  const bool holds = core->reserved_address == address && held == core->reserved_value;
  core->reserved_address = 1;
  if (holds) {
    tw_snitch_modify(sim, core, *cycle, address, value);
  }
  return holds ? 0 : 1;
}

// The subsystem's accesses cost the core nothing: its losses stay as they are.
uint64_t tw_snitch_load_wide(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                             uint32_t size) {
  uint32_t offset;
  uint64_t value = 0;
  bool is_far;
  const int64_t conflict = core->lost[TW_L_CONFLICT], far = core->lost[TW_L_FAR];
  tw_memory *memory = plain(sim, core, address, size, &offset, &is_far);
  if (memory != NULL) {
    request(sim, core, cycle, memory, offset, is_far);
    memcpy(&value, memory->bytes + offset, size);
  } else {
    value = load_slowly(sim, core, cycle, address, 4);
    if (size == 8) {
      value |= (uint64_t)load_slowly(sim, core, cycle, address + 4, 4) << 32;
    }
  }
  if (memory != NULL && !is_far) {
    *cycle = core->snitch->at - sim->snitch->timing.load_result;
  }
  core->snitch->started = *cycle;
  core->lost[TW_L_CONFLICT] = conflict;
  core->lost[TW_L_FAR] = far;
  return value;
}

static void store_wide(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address, uint32_t size,
                       uint64_t value) {
  uint32_t offset;
  bool is_far;
  tw_memory *memory = plain(sim, core, address, size, &offset, &is_far);
  if (memory == NULL) {
    store_slowly(sim, core, cycle, address, 4, (uint32_t)value);
    if (size == 8) {
      store_slowly(sim, core, cycle, address + 4, 4, (uint32_t)(value >> 32));
    }
    return;
  }
  if (is_far || sim->snitch->timing.stores_conflict) {
    request(sim, core, cycle, memory, offset, is_far);
  }
  if (is_far) {
    core->snitch->far_done = *cycle + sim->snitch->timing.far_store;
  }
  memcpy(memory->bytes + offset, &value, size);
  tw_forget_code(memory, offset, size);
}

void tw_snitch_store_wide(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                          uint32_t size, uint64_t value) {
  const int64_t conflict = core->lost[TW_L_CONFLICT], far = core->lost[TW_L_FAR];
  store_wide(sim, core, cycle, address, size, value);
  core->snitch->started = *cycle;
  core->lost[TW_L_CONFLICT] = conflict;
  core->lost[TW_L_FAR] = far;
}
