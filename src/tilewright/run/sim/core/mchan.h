// Queues and commands of MCHAN (mchan.c).
#ifndef TW_MCHAN_H
#define TW_MCHAN_H

#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum {
  EXTERNAL = 9,
  CHANNELS = 10,
  COUNTERS = 16,
  CORE_QUEUE = 2,
  QUEUE = 8,
  BURSTS = 8,
  BURST = 256
};
enum { COMMANDS = CHANNELS * (CORE_QUEUE + 1) + 2 * QUEUE + 4 };

typedef struct {
  uint32_t words[5];
  int32_t word_count, counter;
  bool to_l1, is_2d, is_used, in_queue;
  uint32_t near, far, line_far; // where the next burst starts; where the line began
  uint32_t size, to_start, to_finish, line_left, length, stride;
  int64_t started;
} command;

typedef struct {
  command *of;
  uint32_t near, far, size, done;
  uint8_t data[BURST];
} burst;

typedef struct {
  command *items[QUEUE];
  int32_t count;
} queue;

struct tw_mchan {
  command pool[COMMANDS];
  command *filling[CHANNELS];
  queue waiting[CHANNELS];
  int32_t counter_of[CHANNELS];
  queue global[2]; // 0: to L1, 1: from L1
  command *current[2];
  burst reads[BURSTS], write;
  int32_t read_head, read_count;
  bool has_write;
  uint32_t pending[COUNTERS], free_counters;
  uint32_t wants_counter; // channels of cores that sleep until one is free
  int64_t port_free[4];
  int32_t next_channel;
  uint32_t stalled_value[CHANNELS];
  bool is_stalled[CHANNELS];
};

// Takes the command at `index` out of the queue.
static inline command *pop(queue *q, int32_t index) {
  command *c = q->items[index];
  q->count--;
  for (int32_t i = index; i < q->count; i++) {
    q->items[i] = q->items[i + 1];
  }
  return c;
}

static inline int32_t find_direction(const queue *q, bool to_l1) {
  for (int32_t i = 0; i < q->count; i++) {
    if (q->items[i]->to_l1 == to_l1) {
      return i;
    }
  }
  return -1;
}

static inline command *new_command(tw_mchan *dma) {
  for (int32_t i = 0; i < COMMANDS; i++) {
    if (!dma->pool[i].is_used) {
      memset(&dma->pool[i], 0, sizeof dma->pool[i]);
      dma->pool[i].is_used = true;
      return &dma->pool[i];
    }
  }
  abort(); // the pool holds all that the queues can
}

#endif
