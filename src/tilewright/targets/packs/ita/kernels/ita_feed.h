/// How ITA is fed; for the one source file that defines tw_ita_queue, so that all share one copy of
/// this code in the instruction cache.
#pragma once

#include "ita_queue.h"
#include "tw_xdma.h"

#include <string.h>

enum {
  ITA_BASE = 0x10040000,
  ITA_MEMORY = 0x10000000, // addresses of the engine count from here
  ITA_PREPARED = 3,        // jobs at most, beyond those of the engine
  ITA_RING = 4,            // tiles
  ITA_RING_BYTES = ITA_RING * ITA_TILE_BYTES
};

/// Registers, in words.
enum {
  ITA_TRIGGER = 0,
  ITA_STATUS = 3, // a byte for each place in the queue, 0 where it is free
  ITA_SOFT_CLEAR = 5,
  ITA_INPUT = 8,
  ITA_WEIGHT,
  ITA_NEXT_WEIGHT,
  ITA_BIAS,
  ITA_OUTPUT,
  ITA_TILES = 14, // the first of those that stay the same, up to ITA_ENGINE
  ITA_ENGINE = 21,
  ITA_STREAM = 22,
  ITA_GELU = 23 // the last two of them
};

static inline volatile uint32_t *ita_registers(void) {
  return (volatile uint32_t *)(uintptr_t)ITA_BASE;
}

/// To the first job of a sweep.
static inline void ita_begin(ita_walk *walk) {
  const ita_sweep *const sweep = &walk->sweep;
  walk->inner = sweep->inner;
  walk->output = 0;
  walk->next = sweep->at;
  if (sweep->inner == 1 && sweep->more_x != 0) {
    walk->next.x = sweep->more_x;
    walk->next.w = sweep->more_w;
  }
}

/// To the next output, or to the next sweep.
static __attribute__((noinline)) uint32_t ita_advance(ita_walk *walk, uint32_t active) {
  const ita_sweep *const sweep = &walk->sweep;
  ita_tiles *const next = &walk->next;
  const int32_t output = walk->output + 1;
  if (output < sweep->outputs) {
    walk->output = output;
    walk->inner = sweep->inner;
    next->x = sweep->at.x;
    next->w = sweep->at.w + (uint32_t)output * sweep->w_output;
    next->bias += sweep->bias_output;
    next->y += sweep->y_output;
  } else {
    walk->sweeps++;
    walk->turn(walk);
    ita_begin(walk);
  }
  return active;
}

/// Fetches a tile if it lies outside; where it is then. Memory outside is the upper half.
static inline uint32_t ita_fetched(ita_queue *queue, uint32_t ring, uint32_t at) {
  if ((int32_t)at >= 0) {
    return at;
  }
  const uint32_t slot = queue->slot, to = ring + slot;
  tw_xdma_ends((const void *)(uintptr_t)at, (void *)(uintptr_t)to);
  queue->transfer = tw_xdma_copy(ITA_TILE_BYTES);
  queue->slot = slot == ITA_RING_BYTES - ITA_TILE_BYTES ? 0 : slot + ITA_TILE_BYTES;
  queue->fetched++;
  return to;
}

/// What is on top of a job's flags at the start of its walk.
static inline uint32_t ita_early(ita_walk *walk) {
  uint32_t flags = walk->configures != 0 ? ITA_CONFIGURES : 0;
  if (walk->is_fresh != 0) {
    walk->is_fresh = 0;
    flags |= ITA_PRELOAD | (walk->clears != 0 ? ITA_CONFIGURES : 0);
  }
  walk->early--;
  return flags;
}

/// Prepares the next job if the ring has room. `done`: jobs that are over. Only the last inner tile
/// has an output, and biases.
static inline uint32_t ita_prepare(ita_queue *queue, ita_walk *walk, uint32_t done,
                                   uint32_t active) {
  const uint32_t x = walk->next.x, w = walk->next.w;
  const uint32_t far = (x >> 31) + (w >> 31);
  ita_job *const job = queue->preparing;
  if (far != 0 && queue->fetched - queue->freed + far > ITA_RING) {
    queue->freed = queue->jobs[(done - 1) & (ITA_JOBS - 1)].fetched;
    if (queue->fetched - queue->freed + far > ITA_RING) {
      return active;
    }
  }
  const int32_t finding = walk->finding - 1, inner = walk->inner - 1;
  const uint32_t early = walk->early == 0 ? 0u : ita_early(walk);
  const uint32_t flags = walk->sweep.flags | early;
  job->x = ita_fetched(queue, walk->ring, x) - ITA_MEMORY;
  job->w = ita_fetched(queue, walk->ring, w) - ITA_MEMORY;
  job->transfer = queue->transfer;
  job->fetched = queue->fetched;
  queue->preparing = job->next;
  queue->ahead++;
  walk->finding = finding;
  if (inner > 0) {
    job->flags = flags | ITA_NO_OUTPUT | ITA_NO_BIAS;
    walk->inner = inner;
    walk->next.x = x + ITA_TILE_BYTES;
    walk->next.w = w + ITA_TILE_BYTES;
    if (inner == 1 && walk->sweep.more_x != 0) {
      const uint32_t more = (uint32_t)walk->output * ITA_TILE_BYTES;
      walk->next.x = walk->sweep.more_x + more;
      walk->next.w = walk->sweep.more_w + more;
    }
    return active;
  }
  job->bias = walk->next.bias - ITA_MEMORY;
  job->y = walk->next.y - ITA_MEMORY;
  if (finding > 0) {
    job->flags = flags;
    return ita_advance(walk, active);
  }
  job->flags = flags | ITA_LAST;
  queue->finding = walk->other->finding > 0 ? walk->other : 0;
  return active;
}

/// Settings of the walk whose jobs are handed over, for the place in the engine's queue that the
/// next one takes: each place has registers of its own. A walk that has to clear the engine waits
/// until that is idle.
static __attribute__((noinline)) uint32_t ita_configure(ita_queue *queue, uint32_t busy,
                                                        uint32_t active) {
  volatile uint32_t *const reg = ita_registers();
  ita_walk *const walk = queue->handing;
  if (walk->clears != 0) {
    if (busy != 0) {
      return active;
    }
    reg[ITA_SOFT_CLEAR] = 1; // to the first step; registers stay
    walk->clears = 0;
  }
  if (walk->configures != 0) {
    const uint32_t *const same = walk->same;
#pragma GCC unroll 8
    for (int32_t i = 0; i < ITA_CONFIGURED - 2; ++i) {
      reg[ITA_TILES + i] = same[i];
    }
    reg[ITA_GELU] = same[ITA_CONFIGURED - 2];
    reg[ITA_GELU + 1] = same[ITA_CONFIGURED - 1];
  }
  queue->issuing->flags &= ~(uint32_t)ITA_CONFIGURES;
  return active;
}

/// Hands the engine a job.
static inline void ita_issue(ita_queue *queue, ita_job *job, uint32_t flags) {
  volatile uint32_t *const reg = ita_registers();
  ita_job *const next = job->next;
  queue->issuing = next;
  queue->issued++;
  queue->ahead--;
  reg[ITA_INPUT] = job->x;
  reg[ITA_WEIGHT] = job->w;
  if ((flags & ITA_NO_OUTPUT) == 0) {
    reg[ITA_BIAS] = job->bias;
    reg[ITA_OUTPUT] = job->y;
  }
  if ((flags & ITA_LAST) == 0) {
    reg[ITA_NEXT_WEIGHT] = next->w;
    reg[ITA_STREAM] = flags | ITA_NEXTLOAD;
  } else {
    reg[ITA_STREAM] = flags - ITA_LAST;
    queue->handing = queue->handing->other;
  }
  reg[ITA_TRIGGER] = 0;
}

uint32_t ita_pump(void) {
  ita_queue *const queue = &tw_ita_queue;
  uint32_t active = queue->active;
  if (active == 0) {
    return 0;
  }
  const uint32_t status = ita_registers()[ITA_STATUS];
  const uint32_t halves = status + (status >> 16), busy = (halves + (halves >> 8)) & 7;
  const uint32_t ahead = queue->ahead, done = queue->issued - busy;
  if (busy < queue->contexts && ahead != 0) {
    ita_job *const job = queue->issuing;
    const uint32_t flags = job->flags;
    // The engine begins to fetch the next weights early: they have to be there, too.
    const ita_job *const last = (flags & ITA_LAST) != 0 ? job : job->next;
    if ((last == job || ahead > 1) && (int32_t)(tw_xdma_done() - last->transfer) >= 0) {
      if ((flags & ITA_CONFIGURES) != 0) {
        return ita_configure(queue, busy, active);
      }
      ita_issue(queue, job, flags);
    }
  }
  if ((int32_t)(done - queue->oldest->stop) >= 0) {
    queue->oldest = queue->oldest->other;
    queue->active = --active;
  }
  ita_walk *const walk = queue->finding;
  if (walk != 0 && ahead < ITA_PREPARED) {
    return ita_prepare(queue, walk, done, active);
  }
  return active;
}

ita_walk *ita_next(void) {
  while (tw_ita_queue.active == ITA_WALKS) {
    ita_pump();
  }
  return tw_ita_queue.free;
}

/// What all jobs of a walk say. Settings that the engine has from the walk before stay.
static inline void ita_settle(ita_walk *walk, const uint32_t *said, uint32_t contexts) {
  const ita_walk *const before = walk->other;
  uint32_t differs = before->jobs < contexts;
  for (int32_t i = 0; i < ITA_CONFIGURED; ++i) {
    differs |= said[i] ^ before->same[i];
    walk->same[i] = said[i];
  }
  walk->is_fresh = 1;
  walk->configures = differs != 0;
  walk->early = differs != 0 ? contexts : 1;
}

void ita_start(ita_walk *walk, int32_t jobs, const void *said, int32_t contexts, const void *ring,
               int32_t is_open) {
  ita_queue *const queue = &tw_ita_queue;
  __asm__ volatile("" : : : "memory"); // what the core has written is there before
  ita_pump();
  queue->contexts = (uint32_t)contexts;
  walk->jobs = (uint32_t)jobs;
  walk->stop = queue->known = queue->known + (uint32_t)jobs;
  ita_settle(walk, said, queue->contexts);
  walk->finding = jobs;
  walk->sweeps = 0;
  walk->ring = ita_address(ring);
  walk->clears = queue->is_open;
  queue->is_open = is_open;
  walk->turn(walk);
  ita_begin(walk);
  ita_pump();
  if (queue->active == 0) {
    queue->transfer = tw_xdma_done();
  }
  if (queue->finding == 0) {
    queue->finding = walk;
  }
  queue->free = walk->other;
  queue->active++;
  for (int32_t i = queue->active > 1 ? contexts : 0; i < 2 + contexts; ++i) {
    ita_pump();
  }
}

void ita_reset(void) {
  ita_queue *const queue = &tw_ita_queue;
  memset(queue, 0, sizeof *queue);
  for (int32_t i = 0; i < ITA_JOBS; ++i) {
    queue->jobs[i].next = &queue->jobs[(i + 1) % ITA_JOBS];
  }
  for (int32_t i = 0; i < ITA_WALKS; ++i) {
    queue->walks[i].other = &queue->walks[ITA_WALKS - 1 - i];
  }
  queue->preparing = queue->issuing = queue->jobs;
  queue->handing = queue->oldest = queue->free = queue->walks;
}
