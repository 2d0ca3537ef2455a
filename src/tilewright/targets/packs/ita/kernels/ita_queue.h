/// Jobs of ITA. A job is one product of 64x64 tiles; a kernel call is a walk over many of them. The
/// engine takes a few jobs ahead, and whoever waits for something else meanwhile calls ita_pump,
/// which hands it the next one.
#pragma once

#include "tilewright.h"

#include <stddef.h>

enum {
  ITA_BASE = 0x10040000,
  ITA_MEMORY = 0x10000000, // addresses of the engine count from here
  ITA_TILE_BYTES = 4096,
  ITA_BIAS_BYTES = 192,
  ITA_CONFIGURED = 10, // words of a job that stay the same
  ITA_OWN = 10
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

/// A kernel call: sweeps, and what every job says.
typedef struct ita_queue {
  int32_t left;             // jobs that the engine has not been given yet
  int32_t issued, contexts; // those that it has, and how many it takes
  ita_sweep sweep;
  int32_t inner, output;                 // where the next job is in the sweep
  ita_tiles next;                        // its tiles
  int32_t sweeps;                        // that have begun
  void (*turn)(struct ita_queue *queue); // makes the next sweep
  uint32_t same[ITA_CONFIGURED];         // ITA_TILES .. ITA_ENGINE, ITA_GELU and the one behind it
  uint32_t own[ITA_OWN];                 // what `turn` makes sweeps of
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

/// Hands the engine the next job; there is room for it.
static __attribute__((noinline, unused)) void ita_issue(ita_queue *queue) {
  volatile uint32_t *const reg = ita_registers();
  uint32_t flags = queue->sweep.flags;
  flags |= queue->inner < queue->sweep.inner - 1 ? (uint32_t)ITA_NO_OUTPUT : 0u;
  flags |= queue->issued == 0 ? (uint32_t)ITA_PRELOAD : 0u;
  flags |= queue->left > 1 ? (uint32_t)ITA_NEXTLOAD : 0u;
  reg[ITA_INPUT] = queue->next.x - ITA_MEMORY;
  reg[ITA_WEIGHT] = queue->next.w - ITA_MEMORY;
  reg[ITA_BIAS] = queue->next.bias - ITA_MEMORY;
  reg[ITA_OUTPUT] = queue->next.y - ITA_MEMORY;
  reg[ITA_STREAM] = flags;
  if (queue->issued < queue->contexts) { // every place in the queue has registers of its own
    for (int32_t i = 0; i < ITA_CONFIGURED - 2; ++i) {
      reg[ITA_TILES + i] = queue->same[i];
    }
    reg[ITA_GELU] = queue->same[ITA_CONFIGURED - 2];
    reg[ITA_GELU + 1] = queue->same[ITA_CONFIGURED - 1];
  }
  queue->issued++;
  if (--queue->left > 0) {
    ita_advance(queue);
    reg[ITA_NEXT_WEIGHT] = queue->next.w - ITA_MEMORY;
  }
  reg[ITA_TRIGGER] = 0;
}

/// Hands the engine a job if there is one and it has room; whether there are more.
static inline int32_t ita_pump(void) {
  ita_queue *const queue = &tw_ita_queue;
  if (queue->left == 0) {
    return 0;
  }
  const int32_t place = 8 * (queue->issued & (queue->contexts - 1));
  if ((ita_registers()[ITA_STATUS] >> place & 1) == 0) {
    ita_issue(queue);
  }
  return queue->left;
}

/// Starts a call of so many jobs whose first sweep is made; the engine is idle.
static inline void ita_start(ita_queue *queue, int32_t jobs, int32_t contexts) {
  __asm__ volatile("" : : : "memory"); // what the core has written is there before
  ita_registers()[ITA_SOFT_CLEAR] = 1; // to the first step; registers stay
  queue->left = jobs;
  queue->issued = 0;
  queue->contexts = contexts;
  queue->sweeps = 0;
  queue->turn(queue);
  ita_begin(queue);
  for (int32_t i = 0; i < contexts && queue->left > 0; ++i) {
    ita_issue(queue);
  }
}
