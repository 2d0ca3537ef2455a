// Instruction caches: one private per core, then the banks of a shared one.
//
// A cache has one refill at a time; a hit on a line that is on its way waits for it. The way to
// replace comes from an eight-bit shift register that steps once per refill.
#include "sim.h"

uint32_t *tw_cache_find(const tw_cache *cache, uint32_t set, uint32_t line) {
  uint32_t *tags = &cache->tags[set * (uint32_t)cache->ways];
  for (int32_t way = 0; way < cache->ways; way++) {
    if (tags[way] == line) {
      return &tags[way];
    }
  }
  return NULL;
}

// Where the line goes that is to be fetched.
uint32_t *tw_cache_replace(tw_cache *cache, uint32_t set) {
  const uint32_t old = cache->lfsr;
  const uint32_t bit = ~((old >> 7) ^ (old >> 3) ^ (old >> 2) ^ (old >> 1)) & 1;
  cache->lfsr = ((old << 1) | bit) & 0xff;
  return &cache->tags[set * (uint32_t)cache->ways +
                      ((cache->lfsr >> 1) & (uint32_t)(cache->ways - 1))];
}

// Cycles until the line is there, given that the next level needs `below`.
int32_t tw_cache_refill(tw_cache *cache, uint32_t *slot, uint32_t line, int64_t cycle,
                        int32_t below) {
  const int64_t start = cache->busy_until > cycle ? cache->busy_until : cycle;
  cache->busy_until = start + below + cache->refill;
  *slot = line;
  cache->arrives[slot - cache->tags] = cache->busy_until;
  return (int32_t)(cache->busy_until - cycle);
}

int32_t tw_cache_wait(const tw_cache *cache, const uint32_t *slot, int64_t cycle) {
  const int64_t arrives = cache->arrives[slot - cache->tags];
  return arrives > cycle ? (int32_t)(arrives - cycle) : 0;
}

static int32_t fetch_from_memory(tw_sim *sim, const tw_core *core, int64_t cycle, uint32_t line) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, core->view, line << 4, &memory, &offset, &latency)) {
    return 0; // decoding reports it
  }
  return core->fetch_latency + tw_bank_wait_line(sim, memory, offset,
                                                 cycle * sim->period[core->domain],
                                                 core->fetch_latency);
}

static int32_t fetch_shared(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t line) {
  if (core->shared_icache < 0 || !sim->shared[0].is_enabled) {
    return fetch_from_memory(sim, core, cycle, line);
  }
  tw_cache *bank = &sim->shared[line & 1];
  const uint32_t set = (line >> 1) & (uint32_t)(bank->sets - 1);
  uint32_t *slot = tw_cache_find(bank, set, line);
  if (slot != NULL) {
    return tw_cache_wait(bank, slot, cycle);
  }
  slot = tw_cache_replace(bank, set);
  return tw_cache_refill(bank, slot, line, cycle, fetch_from_memory(sim, core, cycle, line));
}

static bool is_cached(const tw_sim *sim, const tw_core *core) {
  return core->icache.is_enabled && (core->shared_icache < 0 || sim->shared[0].is_enabled);
}

bool tw_fetch_is_private(const tw_core *core, uint32_t line) {
  const tw_cache *cache = &core->icache;
  return cache->is_enabled && cache->sets != 0 &&
         tw_cache_find(cache, line & (uint32_t)(cache->sets - 1), line) != NULL;
}

int32_t tw_fetch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t line) {
  if (!is_cached(sim, core)) {
    return fetch_from_memory(sim, core, cycle, line);
  }
  tw_cache *cache = &core->icache;
  const uint32_t set = line & (uint32_t)(cache->sets - 1);
  uint32_t *slot = tw_cache_find(cache, set, line);
  if (slot != NULL) {
    return tw_cache_wait(cache, slot, cycle);
  }
  slot = tw_cache_replace(cache, set);
  return tw_cache_refill(cache, slot, line, cycle, fetch_shared(sim, core, cycle, line));
}

static void flush(tw_cache *cache) {
  for (int32_t i = 0; i < cache->sets * cache->ways; i++) {
    cache->tags[i] = UINT32_MAX;
  }
}

void tw_flush_icaches(tw_sim *sim) {
  for (int32_t i = 0; i < sim->core_count; i++) {
    if (sim->cores[i].shared_icache >= 0) {
      flush(&sim->cores[i].icache);
    }
  }
  flush(&sim->shared[0]);
  flush(&sim->shared[1]);
}
