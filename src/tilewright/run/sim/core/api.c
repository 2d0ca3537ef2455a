// What Python calls. Every function takes the machine that tw_new made.
#include "decode.h"
#include "snitch.h"

#include <stdlib.h>
#include <string.h>

tw_sim *tw_new(int64_t cluster_period, int64_t fabric_period);
void tw_delete(tw_sim *sim);
int32_t tw_add_memory(tw_sim *sim, uint32_t size, int32_t banks, int32_t word, int32_t domain);
int32_t tw_set_snitch(tw_sim *sim, const int64_t *timing);
void tw_set_host(tw_sim *sim, uint32_t tohost, uint32_t fromhost);
int32_t tw_set_ita(tw_sim *sim, int32_t contexts, int32_t softmax_shift);
int64_t tw_double_register(tw_sim *sim, int32_t core, int32_t index);
int32_t tw_add_route(tw_sim *sim, int32_t view, int32_t kind, uint32_t base, uint32_t size,
                     int32_t target, int32_t offset, int32_t latency);
int32_t tw_add_core(tw_sim *sim, const int64_t *fields, const int32_t *timing);
int32_t tw_set_shared_icache(tw_sim *sim, int32_t sets, int32_t ways, int32_t refill);
void tw_begin_core(tw_sim *sim, int32_t core, uint32_t pc, int64_t cycle);
int32_t tw_copy(tw_sim *sim, int32_t view, uint32_t address, uint8_t *data, uint32_t size,
                int32_t is_write);
int64_t tw_run_until(tw_sim *sim, int64_t picoseconds, uint32_t breakpoint, int32_t breaks);
int64_t tw_core_value(tw_sim *sim, int32_t core, int32_t what, int32_t index);
void tw_set_register(tw_sim *sim, int32_t core, int32_t index, uint32_t value);
int64_t tw_sim_value(tw_sim *sim, int32_t what);
size_t tw_take_output(tw_sim *sim, char *to, size_t room);
int32_t tw_open_trace(tw_sim *sim, const char *path);
int32_t tw_set_symbols(tw_sim *sim, int32_t memory, const uint16_t *symbols);
int32_t tw_start_profile(tw_sim *sim, int32_t symbol_count);
int64_t tw_profile_value(tw_sim *sim, int32_t core, int32_t symbol, int32_t column);
void tw_start_recording(tw_sim *sim);
int64_t tw_interval_value(tw_sim *sim, int64_t index, int32_t what);
int32_t tw_enable_checks(tw_sim *sim, int32_t uninitialised, int32_t dma);
void tw_set_guard(tw_sim *sim, int32_t core, uint32_t start, uint32_t size);
void tw_text_of(tw_sim *sim, int32_t core, uint32_t pc, char *to, size_t room);
int32_t tw_row_of(uint32_t word, uint32_t extensions);
int32_t tw_operand_of(uint32_t word, uint32_t extensions, int32_t which);

static bool set_up_cache(tw_cache *cache, int32_t sets, int32_t ways, int32_t refill) {
  const size_t lines = (size_t)sets * (size_t)ways;
  cache->sets = sets;
  cache->ways = ways;
  cache->refill = refill;
  if (lines == 0) {
    return true;
  }
  cache->tags = malloc(lines * sizeof *cache->tags);
  cache->arrives = calloc(lines, sizeof *cache->arrives);
  if (cache->tags == NULL || cache->arrives == NULL) {
    return false;
  }
  memset(cache->tags, 0xff, lines * sizeof *cache->tags);
  return true;
}

tw_sim *tw_new(int64_t cluster_period, int64_t fabric_period) {
  tw_sim *sim = calloc(1, sizeof *sim);
  if (sim == NULL) {
    return NULL;
  }
  sim->period[0] = cluster_period;
  sim->period[1] = fabric_period;
  sim->route_count = 1; // 0 is "nothing there"
  sim->next_event = INT64_MAX;
  for (int32_t slot = 0; slot < TW_EVENTS; slot++) {
    sim->events[slot].key = INT64_MAX;
  }
  tw_plug_small_devices(sim);
  if (!tw_plug_event_unit(sim) || !tw_plug_mchan(sim) || !tw_plug_neureka(sim)) {
    tw_delete(sim);
    return NULL;
  }
  return sim;
}

void tw_delete(tw_sim *sim) {
  for (int32_t i = 0; i < sim->memory_count; i++) {
    free(sim->memories[i].bytes);
    free(sim->memories[i].code);
    free(sim->memories[i].has_code);
    free(sim->memories[i].is_written);
    free(sim->symbols[i]);
  }
  for (int32_t i = 0; i < sim->core_count; i++) {
    free(sim->cores[i].icache.tags);
    free(sim->cores[i].icache.arrives);
    free(sim->cores[i].snitch);
  }
  for (int32_t i = 0; i < 2; i++) {
    free(sim->shared[i].tags);
    free(sim->shared[i].arrives);
  }
  if (sim->trace != NULL && sim->trace != stderr) {
    fclose(sim->trace);
  }
  free(sim->output);
  free(sim->profile);
  free(sim->intervals);
  free(sim->events_unit);
  free(sim->mchan);
  free(sim->neureka);
  if (sim->snitch != NULL) {
    free(sim->snitch->dma);
    free(sim->snitch->ita);
  }
  free(sim->snitch);
  free(sim);
}

int32_t tw_add_memory(tw_sim *sim, uint32_t size, int32_t banks, int32_t word, int32_t domain) {
  tw_memory *memory = &sim->memories[sim->memory_count];
  memory->size = size;
  memory->banks = banks;
  memory->word_shift = __builtin_ctz((uint32_t)word);
  memory->domain = domain;
  // Room after the end: the decoder may look one instruction ahead.
  memory->bytes = calloc(size + 8, 1);
  memory->code = calloc(size / 2 + 4, sizeof *memory->code);
  memory->has_code = calloc(size / 64 + 2, 1);
  const bool is_there = memory->bytes != NULL && memory->code != NULL && memory->has_code != NULL;
  return is_there ? sim->memory_count++ : -1;
}

int32_t tw_add_route(tw_sim *sim, int32_t view, int32_t kind, uint32_t base, uint32_t size,
                     int32_t target, int32_t offset, int32_t latency) {
  uint32_t at = base;
  while (at - base < size) { // one entry per page: entries are chained page by page
    if (sim->route_count == TW_ROUTES) {
      return -1;
    }
    uint8_t *page = &sim->pages[view][at >> 16];
    const uint32_t left = size - (at - base);
    const bool is_whole = *page == 0 && (at & 0xffff) == 0 && left >= 0x10000;
    const tw_route route = {(tw_route_kind)kind, base, size, target, offset, latency, *page};
    const uint8_t index = (uint8_t)sim->route_count++;
    sim->routes[index] = route;
    *page = index;
    at = (at & 0xffff0000u) + 0x10000;
    while (is_whole && at - base < size && size - (at - base) >= 0x10000 &&
           sim->pages[view][at >> 16] == 0) {
      sim->pages[view][at >> 16] = index; // a plain page can share the entry
      at += 0x10000;
    }
  }
  return 0;
}

int32_t tw_add_core(tw_sim *sim, const int64_t *fields, const int32_t *timing) {
  tw_core *core = &sim->cores[sim->core_count];
  core->run = tw_run_core;
  core->background = INT64_MAX;
  core->id = sim->core_count;
  core->rank = sim->core_count;
  core->hartid = (uint32_t)fields[0];
  core->view = (int32_t)fields[1];
  core->domain = (int32_t)fields[2];
  core->extensions = (uint32_t)fields[3];
  core->shared_icache = (int32_t)fields[7];
  core->fetch_latency = (int32_t)fields[8];
  core->fpu = (int32_t)fields[9];
  core->boot = (uint32_t)fields[10];
  core->csr[15] = (uint32_t)fields[11];
  core->icache.is_enabled = fields[12] != 0;
  core->line = UINT32_MAX;
  core->wake_register = TW_SINK;
  core->reserved_address = 1;
  memcpy(core->timing, timing, sizeof core->timing);
  sim->keys[sim->core_count] = INT64_MAX;
  const bool is_there =
      set_up_cache(&core->icache, (int32_t)fields[4], (int32_t)fields[5], (int32_t)fields[6]) &&
      (fields[13] == 0 || tw_make_snitch(sim, core));
  return is_there ? sim->core_count++ : -1;
}

int32_t tw_set_shared_icache(tw_sim *sim, int32_t sets, int32_t ways, int32_t refill) {
  return set_up_cache(&sim->shared[0], sets, ways, refill) &&
                 set_up_cache(&sim->shared[1], sets, ways, refill)
             ? 0
             : -1;
}

int32_t tw_set_snitch(tw_sim *sim, const int64_t *timing) {
  return tw_plug_snitch(sim, timing) ? 0 : -1;
}

int32_t tw_set_ita(tw_sim *sim, int32_t contexts, int32_t softmax_shift) {
  return tw_plug_ita(sim, contexts, softmax_shift) ? 0 : -1;
}

void tw_set_host(tw_sim *sim, uint32_t tohost, uint32_t fromhost) {
  sim->snitch->tohost = tohost;
  sim->snitch->fromhost = fromhost;
}

int64_t tw_double_register(tw_sim *sim, int32_t core, int32_t index) {
  return (int64_t)sim->cores[core].snitch->fp.f[index];
}

void tw_begin_core(tw_sim *sim, int32_t core, uint32_t pc, int64_t cycle) {
  sim->cores[core].boot = pc;
  tw_start_core(sim, &sim->cores[core], cycle * sim->period[sim->cores[core].domain]);
}

int32_t tw_copy(tw_sim *sim, int32_t view, uint32_t address, uint8_t *data, uint32_t size,
                int32_t is_write) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (size == 0) {
    return 0;
  }
  if (!tw_memory_at(sim, view, address, &memory, &offset, &latency) ||
      size > memory->size - offset) {
    return -1;
  }
  if (!is_write) {
    memcpy(data, memory->bytes + offset, size);
    return 0;
  }
  memcpy(memory->bytes + offset, data, size);
  tw_forget_code(memory, offset, size);
  if (memory->is_written != NULL) {
    memset(memory->is_written + offset, 1, size);
  }
  return 0;
}

// Makes the cores look at the instruction, in whichever map it is.
static void mark_breakpoint(tw_sim *sim, uint32_t address) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  for (int32_t view = 0; view < 2; view++) {
    if (tw_memory_at(sim, view, address, &memory, &offset, &latency)) {
      memory->code[offset >> 1].entry = 1;
    }
  }
}

int64_t tw_run_until(tw_sim *sim, int64_t picoseconds, uint32_t breakpoint, int32_t breaks) {
  sim->limit = picoseconds;
  sim->breakpoint = breakpoint;
  sim->has_breakpoint = breaks != 0;
  if (sim->has_breakpoint) {
    mark_breakpoint(sim, breakpoint);
  }
  sim->observes = sim->trace != NULL || sim->profile != NULL;
  const int64_t outcome = tw_run(sim);
  for (int32_t i = 0; i < sim->core_count; i++) {
    tw_account(sim, &sim->cores[i], sim->cores[i].cycle);
  }
  return outcome;
}

int64_t tw_core_value(tw_sim *sim, int32_t id, int32_t what, int32_t index) {
  const tw_core *core = &sim->cores[id];
  switch (what) {
  case 0:
    return core->x[index];
  case 1:
    return core->pc;
  case 2:
    return core->cycle;
  case 3:
    return (int64_t)core->instructions;
  case 4:
    return core->lost[index];
  case 5:
    return core->state;
  case 6: // control transfers, the latest first
    return core->trail_next > (uint32_t)index
               ? (int64_t)core->trail[(core->trail_next - 1 - (uint32_t)index) % TW_TRAIL]
               : -1;
  case 7:
    return core->region_cycles[index];
  case 8:
    return tw_waits_for(sim, id);
  case 9:
    return core->sleep_loss;
  case 10:
    return core->fflags | core->frm << 5;
  case 11: // cores at the barrier of a Snitch cluster
    return sim->snitch == NULL ? 0 : __builtin_popcount(sim->snitch->arrived);
  default:
    return -1;
  }
}

void tw_set_register(tw_sim *sim, int32_t core, int32_t index, uint32_t value) {
  sim->cores[core].x[index] = index == 0 ? 0 : value;
}

int64_t tw_sim_value(tw_sim *sim, int32_t what) {
  const tw_snitch none = {0}, *cluster = sim->snitch == NULL ? &none : sim->snitch;
  const int64_t values[] = {
      sim->now,
      sim->exit_code,
      (int64_t)sim->fault,
      sim->fault_core,
      sim->fault_address,
      sim->fault_size,
      (int64_t)sim->output_size,
      (int64_t)sim->interval_count,
      tw_dma_is_busy(sim),
      cluster->jobs,
      cluster->job_cycles,
      cluster->moved_bytes,
      cluster->moving_cycles,
      tw_neureka_given(sim),
  };
  return values[what];
}

size_t tw_take_output(tw_sim *sim, char *to, size_t room) {
  const size_t size = sim->output_size < room ? sim->output_size : room;
  memcpy(to, sim->output == NULL ? "" : sim->output, size);
  sim->output_size = 0;
  return size;
}

int32_t tw_open_trace(tw_sim *sim, const char *path) {
  sim->trace = strcmp(path, "-") == 0 ? stderr : fopen(path, "w");
  return sim->trace == NULL ? -1 : 0;
}

int32_t tw_set_symbols(tw_sim *sim, int32_t memory, const uint16_t *symbols) {
  const size_t bytes = sim->memories[memory].size / 2 * sizeof *symbols;
  free(sim->symbols[memory]);
  sim->symbols[memory] = malloc(bytes);
  if (sim->symbols[memory] == NULL) {
    return -1;
  }
  memcpy(sim->symbols[memory], symbols, bytes);
  return 0;
}

int32_t tw_start_profile(tw_sim *sim, int32_t symbol_count) {
  sim->symbol_count = symbol_count;
  sim->profile =
      calloc((size_t)TW_CORES * (size_t)symbol_count * (2 + TW_LOSSES), sizeof *sim->profile);
  return sim->profile == NULL ? -1 : 0;
}

int64_t tw_profile_value(tw_sim *sim, int32_t core, int32_t symbol, int32_t column) {
  return sim
      ->profile[((size_t)core * (size_t)sim->symbol_count + (size_t)symbol) * (2 + TW_LOSSES) +
                (size_t)column];
}

void tw_start_recording(tw_sim *sim) { sim->records = true; }

int64_t tw_interval_value(tw_sim *sim, int64_t index, int32_t what) {
  const tw_interval *interval = &sim->intervals[index];
  const int64_t values[] = {interval->track, interval->what, interval->start, interval->end};
  return values[what];
}

int32_t tw_enable_checks(tw_sim *sim, int32_t uninitialised, int32_t dma) {
  sim->checks_dma = dma != 0;
  sim->checks_uninitialised = uninitialised != 0;
  for (int32_t i = 0; uninitialised && i < sim->memory_count; i++) {
    sim->memories[i].is_written = calloc(sim->memories[i].size + 8, 1);
    if (sim->memories[i].is_written == NULL) {
      return -1;
    }
  }
  return 0;
}

void tw_set_guard(tw_sim *sim, int32_t core, uint32_t start, uint32_t size) {
  sim->cores[core].guard_start = start;
  sim->cores[core].guard_size = size;
}

void tw_text_of(tw_sim *sim, int32_t core, uint32_t pc, char *to, size_t room) {
  uint8_t bytes[4] = {0};
  if (tw_copy(sim, sim->cores[core].view, pc, bytes, 4, 0) != 0) {
    snprintf(to, room, "(no memory)");
    return;
  }
  uint32_t word;
  memcpy(&word, bytes, 4);
  tw_disassemble(to, room, word, pc, sim->cores[core].extensions);
}

int32_t tw_row_of(uint32_t word, uint32_t extensions) { return tw_find_row(word, extensions); }

int32_t tw_operand_of(uint32_t word, uint32_t extensions, int32_t which) {
  tw_insn insn = {0};
  if (!tw_decode(&insn, word, 0, extensions)) {
    return -1;
  }
  const int32_t values[] = {insn.rd, insn.rs1, insn.rs2, insn.rs3, insn.imm, insn.size};
  return values[which];
}
