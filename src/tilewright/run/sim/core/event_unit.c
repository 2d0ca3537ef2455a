// The event unit: per-core event masks, barriers, mutexes, the dispatch queue, and sleeping.
#include "sim.h"

#include <stdlib.h>

enum { BARRIERS = 9, MUTEXES = 8, DISPATCHES = 8, WAKE_CYCLES = 2 };

typedef struct {
  uint32_t status, mask, irq_mask, clear;
  bool waits;
  int32_t dispatch_next;
} unit_core;

typedef struct {
  uint32_t cores, status, target;
} barrier;

typedef struct {
  bool is_locked;
  uint32_t waiting, value;
} mutex;

typedef struct {
  uint32_t value, fresh, team, waiting; // one bit per core
} dispatch;

struct tw_event_unit {
  unit_core core[TW_CORES];
  barrier barrier[BARRIERS];
  mutex mutex[MUTEXES];
  dispatch dispatch[DISPATCHES];
  int32_t dispatch_head;
  uint32_t dispatch_team;
};

static void wake_handler(tw_sim *sim, int32_t slot) {
  tw_core *core = &sim->cores[slot - TW_SLOT_WAKE];
  tw_wake(sim, core, tw_cluster_cycle(sim), core->sleep_stall);
}

static void check(tw_sim *sim, int32_t id, int64_t cycle) {
  unit_core *unit = &sim->events_unit->core[id];
  if (unit->waits && (unit->status & unit->mask) != 0) {
    unit->waits = false;
    unit->status &= ~unit->clear;
    unit->clear = 0;
    tw_schedule(sim, TW_SLOT_WAKE + id, wake_handler, cycle + WAKE_CYCLES);
  }
}

void tw_trigger(tw_sim *sim, uint32_t events, uint32_t cores, int64_t cycle) {
  for (int32_t id = 0; id < sim->core_count; id++) {
    if (sim->cores[id].view == 0 && (cores == 0 || (cores >> id & 1) != 0)) {
      sim->events_unit->core[id].status |= events;
      check(sim, id, cycle);
    }
  }
}

uint32_t tw_waits_for(const tw_sim *sim, int32_t core) {
  return sim->events_unit == NULL ? 0 : sim->events_unit->core[core].mask;
}

// The core goes to sleep even where the event is there already: it then wakes at once.
static uint32_t wait(tw_sim *sim, tw_core *core, int64_t cycle, tw_loss why) {
  unit_core *unit = &sim->events_unit->core[core->id];
  const uint32_t seen = unit->status & unit->mask;
  core->wake_value = seen;
  core->cycle = cycle;
  tw_sleep(sim, core, why);
  unit->waits = true;
  check(sim, core->id, cycle);
  return seen;
}

static tw_loss reason(const unit_core *unit) {
  if ((unit->mask >> TW_EVENT_DMA & 1) != 0) {
    return TW_L_DMA;
  }
  return (unit->mask >> TW_EVENT_NPU & 1) != 0 ? TW_L_NPU : TW_L_ASLEEP;
}

static uint32_t access_core(tw_sim *sim, tw_core *core, int64_t cycle, int32_t id, uint32_t offset,
                            uint32_t value, bool is_write) {
  unit_core *unit = &sim->events_unit->core[id];
  uint32_t *const masks[] = {&unit->mask,     &unit->mask,     &unit->mask,
                             &unit->irq_mask, &unit->irq_mask, &unit->irq_mask};
  if (offset < 0x18) { // set, clear bits, set bits: of the event mask, of the interrupt mask
    uint32_t *mask = masks[offset / 4];
    const uint32_t kind = offset / 4 % 3;
    if (is_write) {
      *mask = kind == 0 ? value : kind == 1 ? *mask & ~value : *mask | value;
      check(sim, id, cycle);
    }
    return *mask;
  }
  switch (offset) {
  case 0x18:
    return !unit->waits;
  case 0x1c:
    return unit->status;
  case 0x20:
    return unit->status & unit->mask;
  case 0x24:
    return unit->status & unit->irq_mask;
  case 0x28:
    unit->status &= ~value;
    return 0;
  case 0x3c:
    unit->clear = unit->mask;
    return wait(sim, core, cycle, reason(unit));
  case 0x38:
    return wait(sim, core, cycle, reason(unit));
  default:
    tw_raise(sim, core, TW_F_DEVICE, offset, 4);
    return 0;
  }
}

static void check_barrier(tw_sim *sim, barrier *b, int64_t cycle) {
  if (b->status == b->cores) {
    b->status = 0;
    tw_trigger(sim, 1u << TW_EVENT_BARRIER, b->target, cycle);
  }
}

static uint32_t arrive(tw_sim *sim, tw_core *core, int64_t cycle, barrier *b, bool clears) {
  unit_core *unit = &sim->events_unit->core[core->id];
  b->status |= 1u << core->id;
  if (clears) {
    unit->clear = unit->mask;
  }
  check_barrier(sim, b, cycle);
  return wait(sim, core, cycle, TW_L_BARRIER);
}

static uint32_t access_barrier(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                               uint32_t value, bool is_write) {
  barrier *b = &sim->events_unit->barrier[offset / 0x20 % BARRIERS];
  uint32_t *const fields[] = {&b->cores, &b->status, NULL, &b->target};
  const uint32_t at = offset % 0x20;
  switch (at) {
  case 0x00:
  case 0x04:
  case 0x0c:
    if (is_write) {
      *fields[at / 4] = value;
      check_barrier(sim, b, cycle);
    }
    return *fields[at / 4];
  case 0x08: {
    uint32_t any = 0;
    for (int32_t i = 0; i < BARRIERS; i++) {
      any |= sim->events_unit->barrier[i].status;
    }
    return any;
  }
  case 0x10:
    b->status |= value;
    check_barrier(sim, b, cycle);
    return 0;
  case 0x14:
    b->status |= 1u << core->id;
    check_barrier(sim, b, cycle);
    return 0;
  case 0x18:
    return arrive(sim, core, cycle, b, false);
  default:
    return arrive(sim, core, cycle, b, true);
  }
}

static uint32_t access_mutex(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t id, uint32_t value,
                             bool is_write) {
  mutex *m = &sim->events_unit->mutex[id % MUTEXES];
  if (!is_write) {
    if (!m->is_locked) {
      m->is_locked = true;
      return m->value;
    }
    m->waiting |= 1u << core->id;
    sim->events_unit->core[core->id].clear = 1u << TW_EVENT_MUTEX;
    return wait(sim, core, cycle, TW_L_ASLEEP);
  }
  m->value = value;
  if (m->waiting == 0) {
    m->is_locked = false;
    return 0;
  }
  const int32_t next = __builtin_ctz(m->waiting); // the lock passes on
  m->waiting &= m->waiting - 1;
  sim->cores[next].wake_value = value;
  tw_trigger(sim, 1u << TW_EVENT_MUTEX, 1u << next, cycle);
  return 0;
}

static void push_dispatch(tw_sim *sim, int64_t cycle, uint32_t value) {
  tw_event_unit *unit = sim->events_unit;
  dispatch *d = &unit->dispatch[unit->dispatch_head];
  unit->dispatch_head = (unit->dispatch_head + 1) % DISPATCHES;
  d->value = value;
  d->team = unit->dispatch_team;
  d->fresh = UINT32_MAX;
  for (int32_t id = 0; id < sim->core_count; id++) {
    unit_core *waiter = &unit->core[id];
    if ((d->waiting >> id & 1) == 0) {
      continue;
    }
    d->waiting &= ~(1u << id);
    d->fresh &= ~(1u << id);
    waiter->dispatch_next = (waiter->dispatch_next + 1) % DISPATCHES;
    if ((d->team >> id & 1) != 0) {
      sim->cores[id].wake_value = value;
      tw_trigger(sim, 1u << TW_EVENT_DISPATCH, 1u << id, cycle);
    } else { // not for this core: it waits for the next entry
      unit->dispatch[waiter->dispatch_next].waiting |= 1u << id;
    }
  }
}

static uint32_t access_dispatch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                uint32_t value, bool is_write) {
  tw_event_unit *unit = sim->events_unit;
  unit_core *waiter = &unit->core[core->id];
  const uint32_t bit = 1u << core->id;
  if (offset != 0) {
    unit->dispatch_team = is_write ? value : unit->dispatch_team;
    return unit->dispatch_team;
  }
  if (is_write) {
    push_dispatch(sim, cycle, value);
    return 0;
  }
  dispatch *d = &unit->dispatch[waiter->dispatch_next];
  for (int32_t tried = 0; tried < DISPATCHES && (d->fresh & bit) != 0; tried++) {
    d->fresh &= ~bit;
    waiter->dispatch_next = (waiter->dispatch_next + 1) % DISPATCHES;
    if ((d->team & bit) != 0) {
      return d->value;
    }
    d = &unit->dispatch[waiter->dispatch_next];
  }
  d->waiting |= bit;
  waiter->clear = 1u << TW_EVENT_DISPATCH;
  return wait(sim, core, cycle, TW_L_ASLEEP);
}

static uint32_t access_unit(tw_sim *sim, tw_core *core, int64_t cycle, int32_t id, uint32_t offset,
                            uint32_t value, bool is_write) {
  if (offset < 0x80) {
    return access_core(sim, core, cycle, id, offset, value, is_write);
  }
  if (offset < 0xc0) {
    return access_dispatch(sim, core, cycle, offset - 0x80, value, is_write);
  }
  if (offset < 0x100) {
    return access_mutex(sim, core, cycle, (offset - 0xc0) / 4, value, is_write);
  }
  if (offset < 0x200) {
    tw_trigger(sim, 1u << (offset / 4 % 8), value, cycle);
    return 0;
  }
  return access_barrier(sim, core, cycle, offset - 0x200, value, is_write);
}

// A core's own view.
static uint32_t access_demux(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                             uint32_t value, bool is_write) {
  return access_unit(sim, core, cycle, core->id, offset, value, is_write);
}

// What everybody sees: all cores' registers, then the shared ones.
static uint32_t access_all(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                           uint32_t value, bool is_write) {
  if (offset < 0x400) {
    const int32_t id = (int32_t)(offset / 0x40);
    return access_unit(sim, core, cycle, id, offset % 0x40, value, is_write);
  }
  const uint32_t at = offset < 0x600 ? offset - 0x200 : offset - 0x500;
  return access_unit(sim, core, cycle, core->id, at, value, is_write);
}

bool tw_plug_event_unit(tw_sim *sim) {
  sim->events_unit = calloc(1, sizeof *sim->events_unit);
  sim->devices[TW_EVENT_UNIT] = access_all;
  sim->devices[TW_EVENT_UNIT_DEMUX] = access_demux;
  return sim->events_unit != NULL;
}
