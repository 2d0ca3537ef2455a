// What the cores of a Snitch cluster share: the barrier behind a CSR, interrupts, peripheral
// registers, and the zero memory.
#include "snitch.h"

enum { SSR = 0x7c0, BARRIER = 0x7c2, LAST_CUSTOM = 0x7c7, PENDING = 0x344, ENABLED = 0x304 };
enum { CLUSTER_INTERRUPT = 19, ACCELERATOR_INTERRUPT = 20 };
enum { SCRATCH = 0x180, SET_INTERRUPT = 0x1a0, CLEAR_INTERRUPT = 0x1a8, PREFETCH = 0x1b0 };
enum { ACCELERATOR_EVENTS = 0x1c0, ACCELERATOR_BUSY = 0x1c8 };

static uint32_t pending(const tw_sim *sim, const tw_core *core) {
  const tw_snitch *cluster = sim->snitch;
  return (cluster->interrupts >> core->id & 1) << CLUSTER_INTERRUPT |
         (cluster->accelerator_events >> core->id & 1) << ACCELERATOR_INTERRUPT;
}

static bool is_called(const tw_sim *sim, const tw_core *core) {
  bool is_known;
  return (pending(sim, core) & tw_read_csr(sim, core, ENABLED, 0, &is_known)) != 0;
}

void tw_snitch_wait(tw_sim *sim, tw_core *core) {
  if (!is_called(sim, core)) {
    core->snitch->is_interruptible = true;
    tw_sleep(sim, core, TW_L_ASLEEP);
  }
}

void tw_check_interrupts(tw_sim *sim, int64_t cycle) {
  for (int32_t i = 0; i < sim->core_count; i++) {
    tw_core *core = &sim->cores[i];
    if (core->snitch != NULL && core->snitch->is_interruptible && is_called(sim, core)) {
      core->snitch->is_interruptible = false;
      tw_wake(sim, core, cycle, 0);
    }
  }
}

// The last one to arrive goes on, and with it all who wait.
static void arrive(tw_sim *sim, tw_core *core, int64_t *cycle) {
  tw_snitch *cluster = sim->snitch;
  cluster->arrived |= 1u << core->id;
  core->cycle = *cycle;
  if (cluster->arrived != cluster->members) {
    tw_sleep(sim, core, TW_L_BARRIER);
    return;
  }
  cluster->arrived = 0;
  for (int32_t i = sim->core_count - 1; i >= 0; i--) {
    if (i != core->id && (cluster->members >> i & 1) != 0) {
      tw_wake(sim, &sim->cores[i], *cycle, (int32_t)cluster->timing.barrier);
    }
  }
  core->lost[TW_L_BARRIER] += cluster->timing.barrier;
  *cycle += cluster->timing.barrier;
}

bool tw_snitch_csr_waits(const tw_sim *sim, const tw_core *core, uint32_t number) {
  if (number >= 1 && number <= 3) { // flags and rounding: of everything before
    return !tw_fp_is_idle(core);
  }
  return number == SSR && !tw_fp_has_room(sim, core);
}

static void switch_streams(tw_core *core, int64_t cycle, bool is_on) {
  const tw_fp_op op = {.imm = is_on, .at = cycle};
  tw_fp_push(core, &op);
}

static uint32_t read_one(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t number,
                         bool *is_known) {
  *is_known = true;
  if (number == BARRIER) {
    arrive(sim, core, cycle);
    return 0;
  }
  if (number == PENDING) {
    return pending(sim, core);
  }
  if (number >= SSR && number <= LAST_CUSTOM) {
    return core->snitch->custom[number - SSR];
  }
  return tw_read_csr(sim, core, number, *cycle, is_known);
}

static bool write_one(tw_core *core, int64_t cycle, tw_csr_action action, uint32_t number,
                      uint32_t value) {
  if (number == PENDING) {
    return true; // bits of devices: read only
  }
  if (number < SSR || number > LAST_CUSTOM) {
    return tw_write_csr(core, number, value);
  }
  core->snitch->custom[number - SSR] = value;
  if (number == SSR && action != TW_CSR_SWAP) { // the swapping form does not reach the streams
    switch_streams(core, cycle, (value & 1) != 0);
  }
  return true;
}

uint32_t tw_snitch_csr(tw_sim *sim, tw_core *core, int64_t *cycle, tw_csr_action action,
                       uint32_t number, uint32_t value, bool is_wanted) {
  bool is_known;
  const uint32_t old = read_one(sim, core, cycle, number, &is_known);
  const bool writes = action == TW_CSR_SWAP || is_wanted;
  const uint32_t now = action == TW_CSR_SWAP  ? value
                       : action == TW_CSR_SET ? old | value
                                              : old & ~value;
  if (!is_known || (writes && !write_one(core, *cycle, action, number, now))) {
    tw_raise(sim, core, TW_F_ILLEGAL, core->pc, 0);
  }
  return old;
}

static uint32_t access_peripherals(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                   uint32_t value, bool is_write) {
  tw_snitch *cluster = sim->snitch;
  const uint32_t all = (1u << sim->core_count) - 1;
  switch (offset) {
  case SCRATCH:
  case SCRATCH + 8:
    cluster->scratch[offset != SCRATCH] = is_write ? value : cluster->scratch[offset != SCRATCH];
    return cluster->scratch[offset != SCRATCH];
  case SET_INTERRUPT:
    cluster->interrupts |= is_write ? value & all : 0;
    tw_check_interrupts(sim, cycle);
    return cluster->interrupts;
  case CLEAR_INTERRUPT:
    cluster->interrupts &= is_write ? ~value : UINT32_MAX;
    return cluster->interrupts;
  case PREFETCH:
    cluster->prefetch_enable = is_write ? value : cluster->prefetch_enable;
    return cluster->prefetch_enable;
  case ACCELERATOR_EVENTS:
    cluster->accelerator_events &= is_write ? ~value : UINT32_MAX;
    return cluster->accelerator_events;
  case ACCELERATOR_BUSY:
    return cluster->accelerator_is_busy;
  default:
    if ((offset & 7) == 4) { // upper half of a 64-bit register
      return 0;
    }
    tw_raise(sim, core, TW_F_DEVICE, offset, 4);
    return 0;
  }
}

static uint32_t access_zeros(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                             uint32_t value, bool is_write) {
  (void)sim;
  (void)core;
  (void)cycle;
  (void)offset;
  (void)value;
  (void)is_write;
  return 0;
}

void tw_plug_snitch_cluster(tw_sim *sim) {
  sim->snitch->prefetch_enable = 1;
  sim->devices[TW_SNITCH_PERIPHERALS] = access_peripherals;
  sim->devices[TW_ZERO_MEMORY] = access_zeros;
}
