// The floating-point subsystem of a Snitch core: a queue, a sequencer that repeats (FREP),
// registers of 64 bits with a scoreboard, streams in place of ft0 to ft2.
//
// Instructions issue in order, one a cycle, when their operands are there. The subsystem runs on
// its own clock: `next` is when it goes on, which the scheduler knows as tw_core.background.
#include "snitch.h"

#include "float.h"

#include <string.h>

static const uint32_t SIGN = 0x80000000u;

static uint32_t tw_fp_load(tw_sim *sim, tw_core *core, int64_t cycle, const tw_fp_op *o,
                           uint32_t address, uint32_t size) {
  (void)o;
  return (uint32_t)tw_snitch_load_wide(sim, core, &cycle, address, size);
}

static uint64_t tw_fp_load64(tw_sim *sim, tw_core *core, int64_t cycle, const tw_fp_op *o,
                             uint32_t address) {
  (void)o;
  return tw_snitch_load_wide(sim, core, &cycle, address, 8);
}

static void tw_fp_store(tw_sim *sim, tw_core *core, int64_t cycle, const tw_fp_op *o,
                        uint32_t address, uint32_t size, uint32_t value) {
  (void)o;
  tw_snitch_store_wide(sim, core, &cycle, address, size, value);
}

static void tw_fp_store64(tw_sim *sim, tw_core *core, int64_t cycle, const tw_fp_op *o,
                          uint32_t address, uint64_t value) {
  (void)o;
  tw_snitch_store_wide(sim, core, &cycle, address, 8, value);
}

#define TW_FP_UNIT
#include "generated.h"

void tw_push_result(tw_snitch_core *s, uint32_t reg, int64_t at) {
  if (reg >= 32) {
    return;
  }
  s->pending |= 1u << reg;
  for (int32_t i = 0; i < s->result_count; i++) {
    if (s->results[i].reg == reg) {
      s->results[i].at = at;
      return;
    }
  }
  s->results[s->result_count++] = (tw_result){at, reg};
}

bool tw_fp_is_refused(const tw_sim *sim, uint16_t op) {
  return tw_fp_rows[op].unit == TW_FP_FDIV && !sim->snitch->timing.has_fdiv;
}

bool tw_fp_is_idle(const tw_core *core) {
  return core->snitch->fp.count == 0 && !core->snitch->fp.repeats;
}

bool tw_fp_has_room(const tw_sim *sim, const tw_core *core) {
  const tw_fp *fp = &core->snitch->fp;
  return fp->count + fp->captured < (uint32_t)sim->snitch->timing.fp_queue;
}

static bool is_memory(const tw_fp_op *o) {
  return o->unit == TW_FP_FLOAD || o->unit == TW_FP_FSTORE;
}

tw_fp_class tw_fp_push(tw_core *core, const tw_fp_op *op) {
  tw_fp *fp = &core->snitch->fp;
  tw_fp_op *slot = &fp->queue[(fp->head + fp->count) % TW_FP_QUEUE];
  *slot = *op;
  slot->unit = op->op == 0 ? TW_FP_SWITCH : tw_fp_rows[op->op].unit;
  slot->rs2 = slot->unit == TW_FP_FREP ? slot->rs2 : slot->rs2 & 31;
  fp->count++;
  fp->memory_ops += is_memory(slot);
  if (fp->next == INT64_MAX) {
    fp->next = core->background = op->at;
  }
  return (tw_fp_class)slot->unit;
}

bool tw_fp_may_touch(const tw_snitch_core *s, uint32_t address) {
  const tw_fp *fp = &s->fp;
  for (uint32_t i = 0; i < fp->count; i++) {
    const tw_fp_op *o = &fp->queue[(fp->head + i) % TW_FP_QUEUE];
    if (is_memory(o) && (o->value + (uint32_t)o->imm) >> 3 == address >> 3) {
      return true;
    }
  }
  for (uint32_t i = 0; i < fp->captured; i++) {
    const tw_fp_op *o = &fp->buffer[i];
    if (is_memory(o) && (o->value + (uint32_t)o->imm) >> 3 == address >> 3) {
      return true;
    }
  }
  return false;
}

// Register number with what the repetition adds.
static uint8_t staggered(const tw_fp *fp, uint8_t reg, uint32_t bit) {
  const uint32_t more = fp->iteration % (fp->stagger_max + 1);
  return (uint8_t)((reg + ((fp->stagger_mask >> bit & 1) != 0 ? more : 0)) & 31);
}

// The next instruction; false: there is none.
static bool next_op(const tw_fp *fp, tw_fp_op *o) {
  if (!fp->repeats) {
    *o = fp->queue[fp->head % TW_FP_QUEUE];
    return fp->count != 0;
  }
  *o = fp->buffer[fp->position];
  o->rd = staggered(fp, o->rd, 0);
  o->rs1 = staggered(fp, o->rs1, 1);
  o->rs2 = staggered(fp, o->rs2, 2);
  o->rs3 = staggered(fp, o->rs3, 3);
  return true;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

static bool streams(const tw_snitch_core *s, uint8_t kind, uint8_t reg) {
  return kind >= TW_KIND_SINGLE && reg < TW_STREAMS && s->fp.streams_on;
}

// When the operand is there; raises the fault where a stream has nothing left.
static int64_t operand_ready(tw_sim *sim, tw_core *core, uint8_t kind, uint8_t reg) {
  tw_snitch_core *s = core->snitch;
  if (kind < TW_KIND_SINGLE) {
    return 0;
  }
  if (!streams(s, kind, reg)) {
    return s->fp.ready[reg];
  }
  if (!tw_stream_has_element(&s->streams[reg])) {
    tw_raise(sim, core, TW_F_STREAM, reg, 0);
    return 0;
  }
  return s->streams[reg].ready[s->streams[reg].head % TW_CREDITS];
}

static int64_t issue_time(tw_sim *sim, tw_core *core, const tw_fp_op *o, const tw_fp_row *row) {
  tw_snitch_core *s = core->snitch;
  const tw_snitch_timing *timing = &sim->snitch->timing;
  int64_t at = later(s->fp.free, o->at + timing->fp_dispatch);
  at = later(at, operand_ready(sim, core, row->rs1, o->rs1));
  at = later(at, operand_ready(sim, core, row->rs2, o->rs2));
  at = later(at, operand_ready(sim, core, row->rs3, o->rs3));
  if (streams(s, row->rd, o->rd)) {
    const tw_stream *stream = &s->streams[o->rd];
    if (!stream->is_on || !stream->is_write) {
      tw_raise(sim, core, TW_F_STREAM, o->rd, 0);
    }
    at = later(at, stream->ready[stream->head % TW_CREDITS] - timing->fp_latency[o->unit]);
  } else if (row->rd >= TW_KIND_SINGLE && timing->waits_for_destination) {
    at = later(at, s->fp.ready[o->rd]);
  }
  if (row->rd == TW_KIND_INTEGER && timing->fp_drains && s->fp.drained >= at) {
    at = s->fp.drained + 1;
  }
  if (o->unit == TW_FP_FLOAD && timing->fp_drains) {
    at = later(at, s->fp.drained);
  }
  return at;
}

static uint64_t operand(tw_sim *sim, tw_core *core, const tw_fp_op *o, uint8_t kind, uint8_t reg,
                        int64_t cycle) {
  tw_snitch_core *s = core->snitch;
  if (kind == TW_KIND_INTEGER) {
    return o->value;
  }
  return streams(s, kind, reg) ? tw_stream_pop(sim, core, reg, cycle) : s->fp.f[reg];
}

// An instruction takes one element of a stream, however many of its operands are that stream.
static void read_operands(tw_sim *sim, tw_core *core, const tw_fp_op *o, const tw_fp_row *row,
                          int64_t cycle, uint64_t v[3]) {
  const uint8_t kinds[] = {row->rs1, row->rs2, row->rs3}, regs[] = {o->rs1, o->rs2, o->rs3};
  for (int32_t i = 0; i < 3; i++) {
    int32_t same = i;
    for (int32_t j = 0; j < i; j++) {
      same = kinds[i] >= TW_KIND_SINGLE && kinds[j] == kinds[i] && regs[j] == regs[i] ? j : same;
    }
    v[i] = 0;
    if (same != i) {
      v[i] = v[same];
    } else if (kinds[i] != TW_KIND_NONE) {
      v[i] = operand(sim, core, o, kinds[i], regs[i], cycle);
    }
  }
}

static void write_result(tw_sim *sim, tw_core *core, const tw_fp_op *o, const tw_fp_row *row,
                         int64_t cycle, uint64_t value) {
  tw_snitch_core *s = core->snitch;
  const tw_snitch_timing *timing = &sim->snitch->timing;
  int64_t ready = cycle + timing->fp_latency[o->unit];
  if (o->unit == TW_FP_FLOAD) {
    const bool is_far = s->at > s->started + timing->load_result;
    ready = is_far ? s->at + 1 : s->started + timing->fp_latency[o->unit];
    if (timing->fp_load_holds) { // bit 0: the core may wait for the data
      s->awaited &= ~1u;
      tw_push_result(s, 0, s->started);
    }
  } else if (row->rd != TW_KIND_INTEGER) {
    s->fp.drained = later(s->fp.drained, ready);
  }
  if (row->rd == TW_KIND_INTEGER) {
    if (o->rd < 32) {
      core->x[o->rd] = (uint32_t)value;
      s->awaited &= ~(1u << o->rd);
      tw_push_result(s, o->rd, cycle + timing->fp_to_integer[o->unit] - 1);
    }
  } else if (streams(s, row->rd, o->rd)) {
    tw_stream_push(sim, core, o->rd, ready, value);
  } else if (row->rd != TW_KIND_NONE) {
    s->fp.f[o->rd] = value;
    s->fp.ready[o->rd] = ready;
  }
}

static void execute(tw_sim *sim, tw_core *core, const tw_fp_op *o, const tw_fp_row *row,
                    int64_t cycle) {
  tw_snitch_core *s = core->snitch;
  uint64_t v[3];
  const bool is_same = sim->snitch->timing.same_stream && o->rs1 == o->rs2 &&
                       streams(s, row->rs1, o->rs1) && streams(s, row->rs2, o->rs2);
  read_operands(sim, core, o, row, cycle, v);
  s->started = cycle;
  const uint64_t value = tw_fp_meaning(sim, core, cycle, o, v);
  write_result(sim, core, o, row, cycle, value);
  s->fp.free = (is_memory(o) ? s->started : cycle) + 1 + is_same;
}

static void end_repetition(tw_fp *fp) {
  for (uint32_t i = 0; i < fp->captured; i++) {
    fp->memory_ops -= is_memory(&fp->buffer[i]);
  }
  fp->captured = fp->to_capture = 0;
}

// The instruction just issued from the queue is one that is to be repeated.
static void capture(tw_sim *sim, tw_core *core, const tw_fp_op *o) {
  tw_fp *fp = &core->snitch->fp;
  if (o->unit == TW_FP_FREP || o->unit == TW_FP_SWITCH || tw_fp_rows[o->op].rd == TW_KIND_INTEGER) {
    tw_raise(sim, core, TW_F_REPEATED, o->op, 0);
  }
  fp->buffer[fp->captured++] = *o;
  fp->memory_ops += is_memory(o);
  const bool is_whole = fp->captured == fp->to_capture;
  fp->repeats = fp->iterations > 0 && (is_whole || !fp->is_outer);
  fp->iteration = 1;
  fp->position = fp->is_outer ? 0 : fp->captured - 1;
  if (is_whole && !fp->repeats) {
    end_repetition(fp);
  }
}

static void after_repeated(tw_fp *fp) {
  if (fp->is_outer && ++fp->position < fp->captured) {
    return;
  }
  fp->position = fp->is_outer ? 0 : fp->position;
  if (++fp->iteration > fp->iterations) {
    fp->repeats = false;
    if (fp->captured == fp->to_capture) {
      end_repetition(fp);
    }
  }
}

static void begin_repetition(tw_sim *sim, tw_core *core, const tw_fp_op *o, int64_t cycle) {
  tw_fp *fp = &core->snitch->fp;
  fp->to_capture = (uint32_t)o->imm + 1;
  fp->iterations = o->value;
  fp->is_outer = (o->rs2 & 0x80) != 0;
  fp->stagger_max = o->rs2 >> 4 & 7;
  fp->stagger_mask = o->rs2 & 15;
  fp->free = cycle;
  if (fp->to_capture > (uint32_t)sim->snitch->timing.fp_queue || fp->to_capture > TW_FP_BUFFER) {
    tw_raise(sim, core, TW_F_REPEATED_LENGTH, fp->to_capture,
             (uint32_t)sim->snitch->timing.fp_queue);
  }
}

// Issues the next instruction; false: there is none, or it is not due by `limit`.
static bool step(tw_sim *sim, tw_core *core, int64_t limit) {
  tw_fp *fp = &core->snitch->fp;
  tw_fp_op o;
  if (!next_op(fp, &o)) {
    fp->next = INT64_MAX;
    return false;
  }
  const tw_fp_row none = {0}, *row = o.op == 0 ? &none : &tw_fp_rows[o.op];
  fp->next = issue_time(sim, core, &o, row);
  if (fp->next > limit || sim->fault != TW_F_NONE) {
    return false;
  }
  const int64_t cycle = fp->issued = fp->next;
  const bool is_repeated = fp->repeats;
  if (o.unit == TW_FP_SWITCH) {
    fp->streams_on = o.imm != 0;
    fp->free = cycle + 1;
  } else if (o.unit == TW_FP_FREP && fp->to_capture == 0) {
    begin_repetition(sim, core, &o, cycle);
  } else {
    execute(sim, core, &o, row, cycle);
  }
  if (is_repeated) {
    after_repeated(fp);
    return true;
  }
  fp->head = (fp->head + 1) % TW_FP_QUEUE;
  fp->count--;
  fp->memory_ops -= is_memory(&o);
  if (fp->to_capture != 0 && o.unit != TW_FP_FREP) {
    capture(sim, core, &o);
  }
  return true;
}

bool tw_fp_make_room(tw_sim *sim, tw_core *core, int64_t limit, int64_t *cycle) {
  tw_fp *fp = &core->snitch->fp;
  while (!tw_fp_has_room(sim, core)) {
    if (!step(sim, core, limit) || sim->needs_attention) {
      core->background = fp->next;
      return false;
    }
    core->lost[TW_L_UNIT] += fp->issued > *cycle ? fp->issued - *cycle : 0;
    *cycle = later(*cycle, fp->issued);
    core->background = fp->next = fp->issued;
  }
  return true;
}

bool tw_fp_run(tw_sim *sim, tw_core *core, int64_t limit) {
  bool did_something = false;
  while (step(sim, core, limit)) {
    did_something = true;
    if (sim->needs_attention) {
      break;
    }
  }
  core->background = core->snitch->fp.next;
  return did_something;
}
