// The integer pipeline of a Snitch core: threaded code over decoded instructions.
//
// A core runs ahead of the others as long as it keeps to itself; what others can see it does at
// cycles up to `bound` only. Its floating-point subsystem has a clock of its own and is let run
// before anything that both can see. Meanings come from isa/*.isa, tails from families.py.
#include "alu.h"
#include "decode.h"
#include "memory.h"
#include "snitch.h"

#include <stdlib.h>

enum { RUN_AHEAD = 4096 }; // cycles past the bound after which even private code yields

bool tw_plug_snitch(tw_sim *sim, const int64_t *timing) {
  sim->snitch = calloc(1, sizeof *sim->snitch);
  if (sim->snitch == NULL) {
    return false;
  }
  memcpy(&sim->snitch->timing, timing, sizeof sim->snitch->timing);
  tw_plug_snitch_cluster(sim);
  return tw_plug_xdma(sim);
}

bool tw_make_snitch(tw_sim *sim, tw_core *core) {
  core->snitch = calloc(1, sizeof *core->snitch);
  if (core->snitch == NULL) {
    return false;
  }
  core->run = tw_run_snitch;
  sim->snitch->members |= 1u << core->id;
  memset(core->snitch->lines, 0xff, sizeof core->snitch->lines);
  core->snitch->next_line = UINT32_MAX;
  core->snitch->fp.next = INT64_MAX;
  return true;
}

static int32_t earliest(const tw_snitch_core *s) {
  int32_t first = 0;
  for (int32_t i = 1; i < s->result_count; i++) {
    first = s->results[i].at < s->results[first].at ? i : first;
  }
  return first;
}

// Lets results into the register file until what `ip` waits for is there. Returns the cycle in
// which `ip` issues, or -1: the floating-point subsystem has to go first.
static int64_t settle(tw_core *core, const tw_snitch_timing *timing, const tw_insn *ip,
                      int64_t cycle) {
  tw_snitch_core *s = core->snitch;
  // Bit 0 stands for the data of floating-point loads (fp_load_holds).
  const uint32_t waits = (uint32_t)ip->reads | s->after_fp_load;
  const int64_t asked = cycle;
  while (s->result_count > 0) {
    const int32_t first = earliest(s);
    const int64_t at = s->results[first].at;
    const int64_t written = at > s->port_from ? at : s->port_from;
    if (written >= cycle && (s->pending & waits & ~s->awaited) == 0) {
      break;
    }
    cycle = written >= cycle ? written + 1 : cycle;
    s->port_from = timing->has_write_port ? written + 1 : s->port_from;
    s->pending &= ~(1u << s->results[first].reg) | s->awaited;
    s->results[first] = s->results[--s->result_count];
  }
  core->lost[TW_L_LOAD] += cycle - asked;
  // What the subsystem is to write must not be written before it.
  const uint32_t own = ip->rd < 32 ? 1u << ip->rd : 0;
  if ((s->awaited & (waits | own)) != 0) {
    return -1 - cycle;
  }
  s->after_fp_load = false;
  if (ip->writes_at_once && timing->has_write_port && s->port_from <= cycle) {
    s->port_from = cycle + 1;
  }
  return cycle;
}

static int64_t tw_multiply(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t rd) {
  tw_snitch *cluster = sim->snitch;
  if (!cluster->timing.shares_units) {
    core->lost[TW_L_UNIT] += cluster->timing.mul_blocks;
    return cycle + cluster->timing.mul_blocks;
  }
  const int64_t start = cluster->multiplier_free > cycle ? cluster->multiplier_free : cycle;
  cluster->multiplier_free = start + 1;
  core->lost[TW_L_UNIT] += start - cycle;
  tw_push_result(core->snitch, rd, start + cluster->timing.mul_result);
  return start;
}

static uint32_t magnitude(uint32_t v, bool is_signed) {
  return is_signed && (int32_t)v < 0 ? 0u - v : v;
}

static int32_t zeros(uint32_t v) { return v == 0 ? 32 : __builtin_clz(v); }

// The private divider takes the divisor's leading zeros; the shared one the difference of both.
static int64_t tw_divide(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t a, uint32_t b,
                         bool is_signed) {
  tw_snitch *cluster = sim->snitch;
  const int32_t divisor = zeros(magnitude(b, is_signed));
  if (!cluster->timing.shares_units) {
    const bool is_negative = is_signed && (int32_t)b < 0;
    const int64_t more = divisor + 2 - (is_negative ? 1 : 0);
    core->lost[TW_L_UNIT] += more;
    core->snitch->at = cycle + more;
    return cycle + more;
  }
  const int32_t steps = divisor - zeros(magnitude(a, is_signed));
  const int64_t busy = steps >= 0 ? steps + 3 : 2;
  const int64_t start = cluster->divider_free > cycle ? cluster->divider_free : cycle;
  cluster->divider_free = start + busy;
  core->lost[TW_L_UNIT] += start - cycle;
  core->snitch->at = start + busy + 1;
  return start;
}

static int64_t tw_snitch_fence(tw_core *core, int64_t cycle) {
  const tw_snitch_core *s = core->snitch;
  int64_t done = s->far_done > cycle ? s->far_done : cycle;
  core->lost[TW_L_FAR] += done - cycle;
  return done;
}

// A jump cancels the prefetch of the next line.
static int64_t tw_snitch_jump(const tw_sim *sim, tw_core *core) {
  if (sim->snitch->timing.prefetches) {
    core->snitch->next_line = UINT32_MAX;
  }
  core->lost[TW_L_BRANCH] += sim->snitch->timing.jump;
  return sim->snitch->timing.jump;
}

// Hands a floating-point instruction over, with the value of its integer operand.
static void offload(tw_sim *sim, tw_core *core, const tw_insn *ip, int64_t cycle) {
  tw_snitch_core *s = core->snitch;
  tw_fp_op op = {.op = ip->op, .imm = ip->imm, .at = cycle};
  op.rd = ip->rd & 63;
  op.rs1 = ip->rs1 & 31;
  op.rs2 = ip->rs2; // of a repetition: how it staggers
  op.rs3 = ip->rs3 & 31;
  op.value = core->x[ip->rs1 & 31];
  if (ip->rd < 32) {
    s->pending |= 1u << ip->rd;
    s->awaited |= 1u << ip->rd;
  }
  if (tw_fp_push(core, &op) == TW_FP_FLOAD && sim->snitch->timing.fp_load_holds) {
    s->pending |= 1;
    s->awaited |= 1;
    s->after_fp_load = true;
  }
}

static bool decode(tw_sim *sim, tw_core *core, tw_memory *memory, tw_insn *ip, uint32_t pc,
                   uint32_t offset) {
  if (!tw_decode_at(sim, core, memory, ip, pc, offset)) {
    return false;
  }
  const uint32_t mask = (1u << sim->snitch->timing.line_shift) - 1;
  const bool starts_line = (pc & mask) == 0 || (pc & mask) + 2u * ip->size > mask + 1;
  const bool is_watched = sim->observes || (sim->has_breakpoint && pc == sim->breakpoint);
  ip->entry = starts_line || is_watched ? 1 : ip->op;
  ip->reads &= 0xffffffffu;
  if (sim->snitch->timing.waits_for_destination && ip->rd < 32) {
    ip->reads |= 1u << ip->rd;
  }
  return true;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void tw_run_snitch(tw_sim *sim, tw_core *core) {
  uint32_t *const x = core->x;
  tw_snitch_core *const s = core->snitch;
  const tw_snitch_timing *const timing = &sim->snitch->timing;
  const int64_t horizon = smaller(sim->horizon, sim->limit / sim->period[core->domain]);
  int64_t bound = horizon, cycle = core->cycle;
  uint64_t count = 0;
  uint32_t target = core->pc;
  tw_memory *memory = core->code;
  tw_insn *code = memory == NULL ? NULL : memory->code, *ip = NULL;
  uint32_t code_base = core->code_base, code_size = core->code_size;
#define TW_EXECUTOR_SNITCH
#include "generated.h"
#include "run_snitch.inc"
}
