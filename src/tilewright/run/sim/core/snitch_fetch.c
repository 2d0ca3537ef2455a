// Instruction fetch of Snitch cores: a small buffer per core before one cache for all.
//
// Two kinds. With prefetching (the hardware) a core has eight lines of its own, and entering a line
// asks for the next one; a jump cancels that. Without (the emulator) only lines that the common
// cache lacks cost anything.
#include "snitch.h"

enum { OWN_LINES = 8, HIT = 3 };

// Cycles until the common cache has the line; it is asked for where it is missing.
static int32_t ask(tw_sim *sim, uint32_t line, int64_t cycle) {
  tw_cache *cache = &sim->shared[0];
  const uint32_t set = line & (uint32_t)(cache->sets - 1);
  uint32_t *slot = tw_cache_find(cache, set, line);
  if (slot != NULL) {
    return tw_cache_wait(cache, slot, cycle);
  }
  return tw_cache_refill(cache, tw_cache_replace(cache, set), line, cycle, 0);
}

static bool owns(tw_snitch_core *s, uint32_t line) {
  for (int32_t i = 0; i < OWN_LINES; i++) {
    if (s->lines[i] == line) {
      return true;
    }
  }
  return false;
}

static void keep(tw_snitch_core *s, uint32_t line) {
  for (int32_t i = OWN_LINES - 1; i > 0; i--) {
    s->lines[i] = s->lines[i - 1];
  }
  s->lines[0] = line;
}

static int64_t at_least(int64_t cycles, int64_t least) { return cycles > least ? cycles : least; }

static int64_t enter_line(tw_sim *sim, tw_snitch_core *s, uint32_t line, int64_t cycle) {
  int64_t stall = 0;
  if (!owns(s, line)) {
    const bool is_expected = line == s->next_line;
    const int64_t asked = is_expected ? s->next_asked : cycle - 1;
    stall = at_least(asked + at_least(ask(sim, line, asked), HIT) - cycle, 0);
    keep(s, line);
  }
  if (!owns(s, line + 1)) {
    s->next_line = line + 1;
    s->next_asked = cycle + stall;
  }
  return stall;
}

int64_t tw_snitch_fetch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t pc, int64_t bound) {
  const tw_snitch_timing *timing = &sim->snitch->timing;
  const uint32_t line = pc >> timing->line_shift;
  if (line == core->line || sim->shared[0].sets == 0) {
    return 0;
  }
  const tw_cache *cache = &sim->shared[0];
  const uint32_t set = line & (uint32_t)(cache->sets - 1);
  if (cycle > bound && tw_cache_find(cache, set, line) == NULL) {
    return -1; // a refill is for all: in their order
  }
  const int64_t stall =
      timing->prefetches ? enter_line(sim, core->snitch, line, cycle) : ask(sim, line, cycle);
  core->line = line;
  core->lost[TW_L_FETCH] += stall;
  return stall;
}
