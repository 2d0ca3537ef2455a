// What tracing, profiling and the timeline see of each instruction.
#include "decode.h"

#include <string.h>

enum { PROFILE_WIDTH = 2 + TW_LOSSES };

static uint32_t symbol_at(tw_sim *sim, const tw_core *core, uint32_t pc) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, core->view, pc, &memory, &offset, &latency)) {
    return 0;
  }
  const uint16_t *symbols = sim->symbols[memory - sim->memories];
  return symbols == NULL ? 0 : symbols[offset >> 1];
}

// Books what has happened since the last call on the function that ran then.
void tw_account(tw_sim *sim, tw_core *core, int64_t cycle) {
  if (sim->profile == NULL) {
    return;
  }
  int64_t *row =
      &sim->profile[((size_t)core->id * (size_t)sim->symbol_count + core->observed_symbol) *
                    PROFILE_WIDTH];
  row[0] += (int64_t)(core->instructions - core->observed_instructions);
  core->observed_instructions = core->instructions;
  row[1] += cycle - core->observed_cycle;
  for (int32_t loss = 0; loss < TW_LOSSES; loss++) {
    row[2 + loss] += core->lost[loss] - core->observed_lost[loss];
  }
  memcpy(core->observed_lost, core->lost, sizeof core->lost);
  core->observed_cycle = cycle;
}

void tw_trace(tw_sim *sim, const tw_core *core, const tw_insn *insn, int64_t cycle) {
  tw_memory *memory;
  uint32_t offset, word = 0;
  int32_t latency;
  char text[96];
  if (!tw_memory_at(sim, core->view, insn->pc, &memory, &offset, &latency)) {
    return;
  }
  memcpy(&word, memory->bytes + offset, 2u * insn->size);
  tw_disassemble(text, sizeof text, word, insn->pc, core->extensions);
  fprintf(sim->trace, "%10lld core %2d %08x  %-36s a0=%08x a1=%08x sp=%08x\n", (long long)cycle,
          core->id, insn->pc, text, core->x[10], core->x[11], core->x[2]);
}

void tw_attribute(tw_sim *sim, tw_core *core, uint32_t pc, int64_t cycle) {
  tw_account(sim, core, cycle);
  core->observed_symbol = symbol_at(sim, core, pc);
}

// Mark 2 * region + 1 opens a region that the program names, 2 * region + 2 closes it.
void tw_mark(tw_sim *sim, tw_core *core, uint32_t mark, int64_t cycle) {
  const uint32_t region = (mark - 1) / 2;
  if (mark == 0 || region >= TW_REGIONS) {
    return;
  }
  if (mark % 2 == 1) {
    core->region_start[region] = cycle;
    return;
  }
  core->region_cycles[region] += cycle - core->region_start[region];
  tw_record(sim, TW_TRACK_REGION + core->id, region, core->region_start[region], cycle);
}
