// ITA: the job queue, the order of steps across jobs, and how long a job takes.
//
// A job is 256 beats of 16 rows of 64 products. Its sixteen 64-bit ports fetch 128 bytes at once:
// half of the TCDM's banks, all or none. A job without output is bound by its beats, one with
// output by its port; every refused access costs the latter a cycle.
#include "ita.h"

#include <stdlib.h>
#include <string.h>

enum { TRIGGER = 0x00, ACQUIRE = 0x04, STATUS = 0x0c, RUNNING = 0x10, SOFT_CLEAR = 0x14 };
enum { FIRST_REGISTER = 0x20, WINDOW = 0x100, WINDOWS = 0x400 };
enum { TURNAROUND = 3, BEATS = 256, LINE = 128, READS = 160, NEXT_READS = 8, WRITES = 128 };
enum { SLACK = 12, SPACING_HALF = 3, SLOW_DIVIDERS = 105 };

static void start_next(tw_sim *sim, int64_t cycle);

static int32_t tiles(const uint32_t *reg, int32_t field) {
  const int32_t count = (int32_t)(reg[ITA_TILES] >> (4 * field) & 15);
  return count == 0 ? 1 : count;
}

static ita_step first_step(const uint32_t *reg) {
  switch ((ita_layer)(reg[ITA_ENGINE] & 3)) {
  case ITA_ATTENTION:
    return ITA_Q;
  case ITA_FEEDFORWARD:
    return ITA_F1;
  case ITA_LINEAR:
    return ITA_MATMUL;
  default:
    return ITA_QK;
  }
}

static ita_tile_plan plan_of(const tw_ita *ita, const uint32_t *reg) {
  const int32_t s = tiles(reg, 0), e = tiles(reg, 1), p = tiles(reg, 2), f = tiles(reg, 3);
  const ita_tile_plan by_step[] = {
      [ITA_Q] = {e, s * p, 0, false, false},      [ITA_K] = {e, s * p, 1, false, false},
      [ITA_V] = {e, s * p, 2, false, false},      [ITA_QK] = {p, s, 3, false, false},
      [ITA_AV] = {s, p, 4, false, false},         [ITA_OW] = {p, s * e, 5, false, false},
      [ITA_F1] = {e, s * f, 6, false, false},     [ITA_F2] = {f, s * e, 7, false, false},
      [ITA_MATMUL] = {e, s * p, 0, false, false},
  };
  ita_tile_plan plan = by_step[ita->step];
  plan.is_first = ita->inner == 0;
  plan.is_last = ita->inner == plan.inner_tiles - 1;
  return plan;
}

static ita_step after(tw_ita *ita, const uint32_t *reg) {
  const bool is_single = (reg[ITA_ENGINE] & 3) == ITA_SINGLE_ATTENTION;
  switch (ita->step) {
  case ITA_Q:
    return ITA_K;
  case ITA_K:
    return ITA_V;
  case ITA_V:
    return ITA_QK;
  case ITA_QK:
    return ITA_AV;
  case ITA_AV:
    if (++ita->block < tiles(reg, 0)) {
      return ITA_QK;
    }
    ita->block = 0;
    return is_single ? ITA_IDLE : ITA_OW;
  case ITA_F1:
    return ITA_F2;
  default:
    return ITA_IDLE;
  }
}

static void advance(tw_ita *ita, const uint32_t *reg, const ita_tile_plan *plan) {
  if (++ita->inner < plan->inner_tiles) {
    return;
  }
  ita->inner = 0;
  if (++ita->outer < plan->outputs) {
    return;
  }
  ita->outer = 0;
  ita->step = after(ita, reg);
}

static void finish(tw_sim *sim, int64_t cycle) {
  tw_ita *ita = sim->snitch->ita;
  const uint32_t *reg = ita->reg[ita->running];
  if (ita->has_output) {
    uint8_t *to = tw_ita_memory(sim, reg[ITA_OUTPUT], ITA_TILE_BYTES);
    if (to == NULL) {
      return;
    }
    memcpy(to, ita->result, ITA_TILE_BYTES);
    tw_forget_code(&sim->memories[0], reg[ITA_OUTPUT], ITA_TILE_BYTES);
    if (sim->memories[0].is_written != NULL) {
      memset(sim->memories[0].is_written + reg[ITA_OUTPUT], 1, ITA_TILE_BYTES);
    }
  }
  if ((reg[ITA_STREAM] & ITA_NEXTLOAD) != 0) {
    const uint8_t *next = tw_ita_memory(sim, reg[ITA_NEXT_WEIGHT], ITA_PASS_BYTES);
    if (next == NULL) {
      return;
    }
    memcpy(ita->first_weights, next, ITA_PASS_BYTES);
  }
  const ita_tile_plan plan = plan_of(ita, reg);
  tw_record(sim, TW_TRACK_NPU, ita->id[ita->running], ita->started, cycle);
  sim->snitch->jobs++;
  sim->snitch->job_cycles += cycle - ita->started;
  advance(ita, reg, &plan);
  sim->snitch->accelerator_events |= 1u << ita->owner[ita->running];
  ita->running = (ita->running + 1) % ita->contexts;
  ita->queued--;
  ita->is_busy = false;
  sim->snitch->accelerator_is_busy = 0;
  tw_check_interrupts(sim, cycle);
  if (ita->queued > 0 && ita->is_triggered) {
    start_next(sim, cycle + TURNAROUND);
  } else {
    ita->is_triggered = false;
    ita->started = cycle + TURNAROUND;
  }
}

// Whether all sixteen banks of a half are free in `cycle`; if so they are taken.
static bool take_half(tw_memory *tcdm, int32_t half, int64_t cycle, bool waits) {
  int64_t *const free = &tcdm->free[16 * half];
  int64_t latest = 0;
  for (int32_t bank = 0; bank < 16; bank++) {
    latest = free[bank] > latest ? free[bank] : latest;
  }
  if (latest > cycle && !waits) {
    return false;
  }
  for (int32_t bank = 0; bank < 16; bank++) {
    free[bank] = (free[bank] > cycle ? free[bank] : cycle) + 1;
  }
  return true;
}

// Until when nobody else does anything: cycles from then on must be taken one by one.
static int64_t quiet_until(const tw_sim *sim) {
  int64_t key = sim->next_event;
  for (int32_t i = 0; i < sim->core_count; i++) {
    key = sim->keys[i] < key ? sim->keys[i] : key;
  }
  return key == INT64_MAX ? INT64_MAX : key / 256 / sim->period[0];
}

// One access at `cycle`, or, refused, at the next: then it goes before the cores. Returns the cycle
// in which it is made.
static int64_t access(tw_sim *sim, tw_ita *ita, int64_t cycle) {
  tw_memory *tcdm = &sim->memories[0];
  const int32_t half = ita->done_accesses & 1;
  if (take_half(tcdm, half, cycle, false)) {
    return cycle;
  }
  take_half(tcdm, half, cycle + 1, true);
  return cycle + 1;
}

static void port_handler(tw_sim *sim, int32_t slot) {
  tw_ita *ita = sim->snitch->ita;
  const int64_t quiet = quiet_until(sim), limit = sim->limit / sim->period[0];
  int64_t cycle = tw_cluster_cycle(sim);
  while (ita->done_accesses < ita->accesses) {
    const int64_t made = access(sim, ita, cycle);
    ita->done_accesses++;
    if (ita->has_output) { // back to back: a refusal moves everything behind it
      ita->finish += made - cycle;
      cycle = made + 1;
    } else {
      ita->due_half += SPACING_HALF + (ita->done_accesses % 5 == 0);
      ita->lag = made - cycle > ita->lag ? made - cycle : ita->lag;
      cycle = ita->due_half / 2 > made ? ita->due_half / 2 : made + 1;
      if (cycle - ita->due_half / 2 > SLACK) { // the buffers run empty
        ita->finish += cycle - ita->due_half / 2 - SLACK;
        ita->due_half = 2 * (cycle - SLACK);
      }
    }
    if (ita->done_accesses < ita->accesses && (cycle >= quiet || cycle >= limit)) {
      tw_schedule(sim, slot, port_handler, cycle);
      return;
    }
  }
  ita->done_accesses++;
  if (ita->done_accesses == ita->accesses + 1) {
    tw_schedule(sim, slot, port_handler, ita->finish);
    return;
  }
  finish(sim, cycle);
}

// Cycles of a job whose port is never refused.
static int64_t quiet_cycles(const tw_ita *ita, uint32_t flags) {
  const bool has_bias = (flags & ITA_NO_BIAS) == 0;
  const bool preloads = (flags & ITA_PRELOAD) != 0;
  if (ita->has_output) {
    return 14 + (has_bias ? 0 : 1) - ((flags & ITA_NEXTLOAD) != 0 ? 0 : 1) + preloads +
           ita->accesses;
  }
  return (has_bias ? 12 : 5) + (preloads ? 13 : 0) + BEATS + 1;
}

static void start_next(tw_sim *sim, int64_t cycle) {
  tw_ita *ita = sim->snitch->ita;
  const uint32_t *reg = ita->reg[ita->running];
  const uint32_t flags = reg[ITA_STREAM];
  ita->step = ita->step == ITA_IDLE ? first_step(reg) : ita->step;
  const ita_tile_plan plan = plan_of(ita, reg);
  ita->has_output = (flags & ITA_NO_OUTPUT) == 0;
  if (ita->has_output != plan.is_last) { // the streams would wait for each other for ever
    tw_raise(sim, NULL, TW_F_ITA, (uint32_t)ita->step, (uint32_t)ita->inner);
    return;
  }
  if (!tw_ita_compute(sim, reg, &plan)) {
    return;
  }
  ita->is_busy = true;
  sim->snitch->accelerator_is_busy = 1;
  ita->accesses = READS + ((flags & ITA_NO_BIAS) == 0 ? 2 : 0) + (ita->has_output ? WRITES : 0) +
                  ((flags & ITA_PRELOAD) != 0 ? NEXT_READS : 0) -
                  ((flags & ITA_NEXTLOAD) != 0 ? 0 : NEXT_READS);
  ita->done_accesses = 0;
  ita->lag = 0;
  ita->due_half = 2 * (cycle + 2);
  ita->started = cycle;
  ita->finish = cycle + quiet_cycles(ita, flags);
  if (ita->softmax_shift != 0 && ita->step == ITA_QK && plan.is_last &&
      ita->outer == plan.outputs - 1) {
    ita->finish += SLOW_DIVIDERS; // fewer dividers with a shorter queue
  }
  tw_schedule(sim, TW_SLOT_NPU, port_handler, cycle + 2);
}

static void commit(tw_sim *sim, const tw_core *core, int64_t cycle, bool starts) {
  tw_ita *ita = sim->snitch->ita;
  if (ita->queued == ita->contexts) {
    tw_raise(sim, NULL, TW_F_ITA_FULL, 0, (uint32_t)ita->contexts);
    return;
  }
  const int32_t context = ita->programmed;
  ita->owner[context] = core == NULL ? 0 : (uint32_t)core->id;
  ita->id[context] = (uint8_t)(ita->next_id - 1);
  ita->lock = 0;
  ita->programmed = (context + 1) % ita->contexts;
  ita->queued++;
  ita->is_triggered |= starts;
  if (starts && !ita->is_busy) {
    start_next(sim, ita->started > cycle + 1 ? ita->started : cycle + 1);
  }
}

static void clear(tw_ita *ita, bool zeroes) {
  ita->programmed = ita->running = ita->queued = 0;
  ita->lock = 0;
  ita->is_busy = ita->is_triggered = false;
  ita->step = ITA_IDLE;
  ita->inner = ita->outer = ita->block = 0;
  ita->started = 0;
  if (zeroes) {
    memset(ita->reg, 0, sizeof ita->reg);
  }
}

static uint32_t acquire(tw_ita *ita, const tw_core *core) {
  if (ita->lock != 0 && ita->lock != 1u + (uint32_t)core->id) {
    return UINT32_MAX - 1;
  }
  if (ita->queued == ita->contexts) {
    return UINT32_MAX;
  }
  ita->lock = 1u + (uint32_t)core->id;
  return ita->next_id++ & 255;
}

static uint32_t status(const tw_ita *ita) {
  uint32_t bytes = 0;
  for (int32_t i = 0; i < ita->queued; i++) {
    bytes |= 1u << (8 * ((ita->running + i) % ita->contexts));
  }
  return bytes;
}

static uint32_t access_common(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                              uint32_t value, bool is_write) {
  tw_ita *ita = sim->snitch->ita;
  switch (offset) {
  case TRIGGER:
    if (is_write) {
      commit(sim, core, cycle, value == 0);
    }
    return 0;
  case ACQUIRE:
    return is_write ? 0 : acquire(ita, core);
  case STATUS:
    return status(ita);
  case RUNNING:
    return ita->id[ita->running];
  case SOFT_CLEAR:
    if (is_write) {
      clear(ita, value == 0);
      sim->snitch->accelerator_is_busy = 0;
      tw_cancel(sim, TW_SLOT_NPU);
    }
    return 0;
  default:
    return 0; // finished jobs and software events: of no effect
  }
}

static uint32_t access_registers(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                 uint32_t value, bool is_write) {
  tw_ita *ita = sim->snitch->ita;
  const uint32_t window = offset / WINDOW, at = offset % WINDOW;
  if (at < FIRST_REGISTER) {
    return access_common(sim, core, cycle, at, value, is_write);
  }
  const uint32_t index = (at - FIRST_REGISTER) / 4;
  if (index >= ITA_REGISTERS || offset >= WINDOWS) {
    tw_raise(sim, core, TW_F_DEVICE, offset, 4);
    return 0;
  }
  if (is_write) {
    ita->reg[ita->programmed][index] = value;
    return 0;
  }
  const int32_t context = window == 0 ? ita->programmed : (int32_t)window - 1;
  return ita->reg[context % ita->contexts][index];
}

bool tw_plug_ita(tw_sim *sim, int32_t contexts, int32_t softmax_shift) {
  sim->snitch->ita = calloc(1, sizeof *sim->snitch->ita);
  if (sim->snitch->ita == NULL) {
    return false;
  }
  sim->snitch->ita->contexts = contexts;
  sim->snitch->ita->softmax_shift = softmax_shift;
  sim->devices[TW_ITA] = access_registers;
  return true;
}
