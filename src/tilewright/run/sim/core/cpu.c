// The interpreter of one core: threaded code over decoded instructions.
//
// A core runs ahead of the others as long as it keeps to itself. What others can see (memory,
// shared caches, shared units) it does only at cycles up to sim->horizon; else it parks and the
// scheduler lets the others catch up. The meanings of instructions come from isa/*.isa through
// generate.py; what they cost is in tw_core.timing.
#include "alu.h"
#include "decode.h"
#include "float.h"
#include "memory.h"
#include "simd.h"

enum { RUN_AHEAD = 4096 }; // cycles past the horizon after which even private code yields

static bool is_aligned(tw_sim *sim, tw_core *core, uint32_t address) {
  if ((address & 3) != 0) {
    tw_raise(sim, core, TW_F_MISALIGNED, address, 4);
  }
  return (address & 3) == 0;
}

static void modify(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t address, uint32_t value) {
  int32_t latency = 0;
  if (sim->fault == TW_F_NONE && is_aligned(sim, core, address)) {
    tw_store(sim, core, cycle, &latency, address, 4, value);
  }
}

static uint32_t load_reserved(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                              uint32_t address) {
  core->reserved_address = address;
  if (!is_aligned(sim, core, address)) {
    return 0;
  }
  return tw_load(sim, core, cycle, latency, address, 4);
}

static uint32_t store_conditional(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                                  uint32_t address, uint32_t value) {
  const bool holds = core->reserved_address == address;
  for (int32_t i = 0; holds && i < sim->core_count; i++) {
    if (sim->cores[i].reserved_address == address) {
      sim->cores[i].reserved_address = 1; // no word begins there
    }
  }
  if (holds) {
    tw_store(sim, core, cycle, latency, address, 4, value);
  }
  return holds ? 0 : 1;
}

static uint32_t csr_update(tw_sim *sim, tw_core *core, int64_t cycle, const tw_insn *ip,
                           uint32_t number, uint32_t value, bool writes) {
  bool is_known;
  const uint32_t old = tw_read_csr(sim, core, number, cycle, &is_known);
  if (!is_known || (writes && !tw_write_csr(core, number, value))) {
    tw_raise(sim, core, TW_F_ILLEGAL, ip->pc, 0);
  }
  return old;
}

static uint32_t csr_peek(tw_sim *sim, const tw_core *core, int64_t cycle, uint32_t number) {
  bool is_known;
  return tw_read_csr(sim, core, number, cycle, &is_known);
}

static uint32_t csr_swap(tw_sim *sim, tw_core *core, int64_t cycle, const tw_insn *ip,
                         uint32_t number, uint32_t value, bool wants_read) {
  (void)wants_read; // no register of ours reacts to being read
  return csr_update(sim, core, cycle, ip, number, value, true);
}

static uint32_t csr_set(tw_sim *sim, tw_core *core, int64_t cycle, const tw_insn *ip,
                        uint32_t number, uint32_t bits, bool writes) {
  const uint32_t value = csr_peek(sim, core, cycle, number) | bits;
  return csr_update(sim, core, cycle, ip, number, value, writes);
}

static uint32_t csr_clear(tw_sim *sim, tw_core *core, int64_t cycle, const tw_insn *ip,
                          uint32_t number, uint32_t bits, bool writes) {
  const uint32_t value = csr_peek(sim, core, cycle, number) & ~bits;
  return csr_update(sim, core, cycle, ip, number, value, writes);
}

static void set_loop_start(tw_core *core, uint32_t loop, uint32_t address) {
  core->loop_start[loop] = address;
}

static void set_loop_count(tw_core *core, uint32_t loop, uint32_t count) {
  core->loop_count[loop] = count;
}

static void set_loop_end(tw_sim *sim, tw_core *core, uint32_t loop, uint32_t address) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  core->loop_end[loop] = address;
  if (tw_memory_at(sim, core->view, address, &memory, &offset, &latency)) {
    memory->code[offset >> 1].is_loop_end = 1;
    memory->code[offset >> 1].entry = 1;
  }
}

// Whether the instruction at `pc` ends a loop that goes round again: the inner loop first.
static bool goes_round(tw_core *core, uint32_t pc, uint32_t *start) {
  for (uint32_t loop = 0; loop < 2; loop++) {
    if (core->loop_end[loop] == pc && core->loop_count[loop] != 0) {
      core->loop_count[loop]--;
      if (core->loop_count[loop] != 0) {
        *start = core->loop_start[loop];
        return true;
      }
    }
  }
  return false;
}

static int32_t tw_divider(const tw_core *core, uint32_t divisor, bool is_signed) {
  if (core->timing[TW_T_DIV_FIXED] >= 0) {
    return core->timing[TW_T_DIV_FIXED];
  }
  const bool is_negative = is_signed && (int32_t)divisor < 0;
  const uint32_t size = is_negative ? 0u - divisor : divisor;
  if (size == 0) {
    return is_signed ? 0 : 32 + core->timing[TW_T_DIV];
  }
  return __builtin_clz(size) + core->timing[TW_T_DIV] - (is_negative ? 1 : 0);
}

static int32_t tw_take_fpu(tw_sim *sim, tw_core *core, int64_t cycle) {
  int64_t *unit = &sim->fpu_free[core->fpu];
  const int64_t start = *unit > cycle ? *unit : cycle;
  *unit = start + 1;
  core->lost[TW_L_UNIT] += start - cycle;
  return (int32_t)(start - cycle);
}

static int32_t tw_take_divider(tw_sim *sim, tw_core *core, int64_t cycle) {
  const int64_t start = sim->divider_free > cycle ? sim->divider_free : cycle;
  const int64_t done = start + core->timing[TW_T_FDIV];
  if (core->fpu >= 0) {
    sim->divider_free = done + 1;
  }
  core->lost[TW_L_UNIT] += done - cycle;
  return (int32_t)(done - cycle);
}

// Brings the line or the two lines of an instruction into the fetch buffer; -1: must not, yet.
static int32_t fetch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t pc) {
  const uint32_t line = pc >> 4;
  const bool needs_next = (pc & 15) == 14; // the fetch unit always reads four bytes
  const bool needs_this = line != core->line;
  if (!needs_this && !needs_next) {
    return 0;
  }
  if (cycle > sim->horizon && ((needs_this && !tw_fetch_is_private(core, line)) ||
                               (needs_next && !tw_fetch_is_private(core, line + 1)))) {
    return -1;
  }
  int32_t stall = needs_this ? tw_fetch(sim, core, cycle, line) : 0;
  core->line = line;
  if (needs_next) {
    stall += tw_fetch(sim, core, cycle, line + 1);
    core->line = line + 1;
  }
  core->lost[TW_L_FETCH] += stall;
  return stall;
}

static int32_t wait_for_operands(tw_core *core, const tw_insn *ip, int64_t cycle) {
  const bool waits = (core->hazard_mask & ip->reads) != 0 && core->hazard_until > cycle;
  core->hazard_mask = 0;
  if (!waits) {
    return 0;
  }
  core->lost[TW_L_LOAD] += core->hazard_until - cycle;
  return (int32_t)(core->hazard_until - cycle);
}

static uint64_t hazard_bit(const tw_insn *ip) { return ip->rd < 32 ? 1ull << ip->rd : 0; }

// The last cycle that private code may reach before it lets the scheduler look.
static int64_t last_cycle(const tw_sim *sim, const tw_core *core) {
  const int64_t limit = sim->limit / sim->period[core->domain];
  return sim->horizon < limit - RUN_AHEAD ? sim->horizon + RUN_AHEAD : limit;
}

void tw_run_core(tw_sim *sim, tw_core *core) {
  uint32_t *const x = core->x;
  int64_t cycle = core->cycle;
  const int64_t last = last_cycle(sim, core);
  int32_t stall = core->stall, after_latency = 0;
  uint64_t count = 0;
  uint32_t target = core->pc, loop_target = 0;
  bool after = false; // the loop goes round after this instruction, to loop_target
  tw_memory *memory = core->code;
  tw_insn *code = memory == NULL ? NULL : memory->code, *ip = NULL;
  uint32_t code_base = core->code_base, code_size = core->code_size;
#define TW_EXECUTOR_PULP
#include "generated.h"
#include "run_core.inc"
}
