/// Jobs of ITA. A job is one product of 64x64 tiles; a kernel call is a walk over many of them. The
/// engine takes a few jobs ahead, and whoever waits for something else meanwhile calls ita_pump,
/// which prepares the next job or hands it over. To prepare a job is to find its tiles, and to
/// start to fetch those that lie outside L1 into a ring of tiles there.
#pragma once

#include "tilewright.h"
#include "tw_xdma.h"

#include <stddef.h>

enum {
  ITA_BASE = 0x10040000,
  ITA_MEMORY = 0x10000000, // addresses of the engine count from here
  ITA_TILE_BYTES = 4096,
  ITA_BIAS_BYTES = 192,
  ITA_CONFIGURED = 10, // words of a job that stay the same
  ITA_OWN = 10,
  ITA_JOBS = 8,     // that are remembered: those of the engine, the last one before, those to come
  ITA_PREPARED = 3, // at most, beyond those of the engine
  ITA_RING = 6      // tiles
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
  ITA_TILES = 14, // the first of those that stay the same
  ITA_ENGINE = 21,
  ITA_STREAM = 22,
  ITA_GELU = 23
};

/// Bits of ITA_STREAM.
enum { ITA_PRELOAD = 1, ITA_NEXTLOAD = 2, ITA_NO_BIAS = 4, ITA_BIAS_ROWS = 8, ITA_NO_OUTPUT = 16 };

/// Addresses of the tiles of one job.
typedef struct {
  uint32_t x, w, bias, y;
} ita_tiles;

/// Outputs one after the other, each a sum over inner tiles. The last inner tile may lie elsewhere.
typedef struct {
  ita_tiles at;                             // of the first job
  int32_t inner, outputs;                   // how many
  uint32_t x_inner, w_inner;                // bytes from one inner tile to the next
  uint32_t w_output, y_output, bias_output; // from one output to the next
  uint32_t more_x, more_w; // of the last inner tile of the first output; 0: where it belongs
  uint32_t flags;
} ita_sweep;

/// A job that is ready, or will be once its tiles have arrived.
typedef struct {
  ita_tiles at;
  uint32_t flags;
  uint32_t transfer; // the last one that it waits for
  int32_t fetched;   // tiles of the call that have gone into the ring so far
} ita_job;

/// A kernel call: sweeps, and what every job says.
typedef struct ita_queue {
  int32_t left;             // jobs that the engine has not been given yet
  int32_t finding;          // jobs that are not even prepared
  int32_t prepared;         // jobs
  int32_t issued, contexts; // those that the engine has been given, and how many it takes
  ita_sweep sweep;
  int32_t inner, output;                 // where the next job is in the sweep
  ita_tiles next;                        // its tiles
  int32_t sweeps;                        // that have begun
  void (*turn)(struct ita_queue *queue); // makes the next sweep
  uint32_t same[ITA_CONFIGURED];         // ITA_TILES .. ITA_ENGINE, ITA_GELU and the one behind it
  uint32_t own[ITA_OWN];                 // what `turn` makes sweeps of
  uint32_t ring;                         // where it lies
  int32_t slot, fetched;                 // the next tile of the ring; how many have been fetched
  uint32_t transfer;                     // the last one
  ita_job jobs[ITA_JOBS];
} ita_queue;

/// There is one, in L1; the target's startup code defines it.
extern ita_queue tw_ita_queue;

static inline volatile uint32_t *ita_registers(void) {
  return (volatile uint32_t *)(uintptr_t)ITA_BASE;
}

static inline uint32_t ita_address(const void *at) { return (uint32_t)(uintptr_t)at; }

/// What all jobs of a call say: the words of `args` from offset `tiles` on.
static inline void ita_settle(ita_queue *queue, const void *args, size_t tiles) {
  const uint32_t *const said = (const uint32_t *)(const void *)((const uint8_t *)args + tiles);
  for (int32_t i = 0; i < ITA_CONFIGURED; ++i) {
    queue->same[i] = said[i];
  }
}

/// To the first job of a sweep.
static inline void ita_begin(ita_queue *queue) {
  const ita_sweep *const sweep = &queue->sweep;
  queue->inner = 0;
  queue->output = 0;
  queue->next = sweep->at;
  if (sweep->inner == 1 && sweep->more_x != 0) {
    queue->next.x = sweep->more_x;
    queue->next.w = sweep->more_w;
  }
}

/// To the next job.
static inline void ita_advance(ita_queue *queue) {
  const ita_sweep *const sweep = &queue->sweep;
  ita_tiles *const next = &queue->next;
  if (++queue->inner < sweep->inner) {
    if (queue->inner == sweep->inner - 1 && sweep->more_x != 0) {
      next->x = sweep->more_x + (uint32_t)queue->output * ITA_TILE_BYTES;
      next->w = sweep->more_w + (uint32_t)queue->output * ITA_TILE_BYTES;
    } else {
      next->x += sweep->x_inner;
      next->w += sweep->w_inner;
    }
    return;
  }
  queue->inner = 0;
  if (++queue->output < sweep->outputs) {
    next->x = sweep->at.x;
    next->w = sweep->at.w + (uint32_t)queue->output * sweep->w_output;
    next->bias += sweep->bias_output;
    next->y += sweep->y_output;
    return;
  }
  queue->sweeps++;
  queue->turn(queue);
  ita_begin(queue);
}

/// Fetches a tile if it lies outside; where it is then. Memory outside is the upper half.
static inline uint32_t ita_fetched(ita_queue *queue, uint32_t at) {
  if ((int32_t)at >= 0) {
    return at;
  }
  const uint32_t to = queue->ring + (uint32_t)queue->slot * ITA_TILE_BYTES;
  queue->slot = queue->slot == ITA_RING - 1 ? 0 : queue->slot + 1;
  queue->fetched++;
  tw_xdma_ends((const void *)(uintptr_t)at, (void *)(uintptr_t)to);
  queue->transfer = tw_xdma_copy(ITA_TILE_BYTES);
  return to;
}

/// Prepares the next job if the ring has room; `done`: jobs that the engine has finished. Only the
/// last inner tile has an output, and biases.
static __attribute__((noinline, unused)) void ita_prepare(ita_queue *queue, int32_t done) {
  const ita_tiles next = queue->next;
  const int32_t far = (int32_t)((next.x >> 31) + (next.w >> 31));
  const int32_t freed = done > 0 ? queue->jobs[(done - 1) & (ITA_JOBS - 1)].fetched : 0;
  if (queue->fetched - freed + far > ITA_RING) {
    return;
  }
  ita_job *const job = &queue->jobs[queue->prepared++ & (ITA_JOBS - 1)];
  job->flags = queue->sweep.flags;
  if (queue->inner < queue->sweep.inner - 1) {
    job->flags |= ITA_NO_OUTPUT | ITA_NO_BIAS;
  }
  job->at.x = ita_fetched(queue, next.x);
  job->at.w = ita_fetched(queue, next.w);
  job->at.bias = next.bias;
  job->at.y = next.y;
  job->transfer = queue->transfer;
  job->fetched = queue->fetched;
  if (--queue->finding > 0) {
    ita_advance(queue);
  }
}

/// Hands the engine the next job; there is room for it, and for its successor's tiles, too, as the
/// engine begins to fetch weights ahead.
static __attribute__((noinline, unused)) void ita_issue(ita_queue *queue) {
  volatile uint32_t *const reg = ita_registers();
  const ita_job *const job = &queue->jobs[queue->issued & (ITA_JOBS - 1)];
  uint32_t flags = job->flags;
  flags |= queue->issued == 0 ? (uint32_t)ITA_PRELOAD : 0u;
  reg[ITA_INPUT] = job->at.x - ITA_MEMORY;
  reg[ITA_WEIGHT] = job->at.w - ITA_MEMORY;
  if ((flags & ITA_NO_OUTPUT) == 0) {
    reg[ITA_BIAS] = job->at.bias - ITA_MEMORY;
    reg[ITA_OUTPUT] = job->at.y - ITA_MEMORY;
  }
  if (queue->issued < queue->contexts) { // every place in the queue has registers of its own
    for (int32_t i = 0; i < ITA_CONFIGURED - 2; ++i) {
      reg[ITA_TILES + i] = queue->same[i];
    }
    reg[ITA_GELU] = queue->same[ITA_CONFIGURED - 2];
    reg[ITA_GELU + 1] = queue->same[ITA_CONFIGURED - 1];
  }
  queue->issued++;
  if (--queue->left > 0) {
    flags |= ITA_NEXTLOAD;
    reg[ITA_NEXT_WEIGHT] = queue->jobs[queue->issued & (ITA_JOBS - 1)].at.w - ITA_MEMORY;
  }
  reg[ITA_STREAM] = flags;
  reg[ITA_TRIGGER] = 0;
}

/// Whether the tiles of the next job, and of the one behind it, are there.
static inline int32_t ita_is_ready(const ita_queue *queue) {
  const int32_t ahead = queue->prepared - queue->issued;
  if (ahead < 2 && (ahead == 0 || queue->left > 1)) {
    return 0;
  }
  const int32_t last = queue->issued + (queue->left > 1 ? 1 : 0);
  return (int32_t)(tw_xdma_done() - queue->jobs[last & (ITA_JOBS - 1)].transfer) >= 0;
}

/// Prepares a job, and hands the engine one, as far as there is room; whether there are more.
static __attribute__((noinline, unused)) int32_t ita_pump(void) {
  ita_queue *const queue = &tw_ita_queue;
  if (queue->left == 0) {
    return 0;
  }
  const uint32_t status = ita_registers()[ITA_STATUS];
  const int32_t busy = (int32_t)((status + (status >> 8) + (status >> 16) + (status >> 24)) & 7);
  if (busy < queue->contexts && ita_is_ready(queue) != 0) {
    ita_issue(queue);
  }
  if (queue->finding > 0 && queue->prepared - queue->issued < ITA_PREPARED) {
    ita_prepare(queue, queue->issued - busy);
  }
  return queue->left;
}

/// Starts a call of so many jobs whose first sweep is made; the engine is idle. `ring`: room for
/// tiles from outside, or null where all lie in L1.
static inline void ita_start(ita_queue *queue, int32_t jobs, int32_t contexts, const void *ring) {
  __asm__ volatile("" : : : "memory"); // what the core has written is there before
  ita_registers()[ITA_SOFT_CLEAR] = 1; // to the first step; registers stay
  queue->left = jobs;
  queue->finding = jobs;
  queue->prepared = 0;
  queue->issued = 0;
  queue->contexts = contexts;
  queue->sweeps = 0;
  queue->ring = ita_address(ring);
  queue->slot = 0;
  queue->fetched = 0;
  queue->transfer = tw_xdma_done();
  queue->turn(queue);
  ita_begin(queue);
  ita_prepare(queue, 0);
  if (queue->finding > 0) {
    ita_prepare(queue, 0);
  }
  for (int32_t i = 0; i < contexts && queue->left > 0; ++i) {
    ita_pump();
  }
}
