// MCHAN, the DMA between L1 and everything outside the cluster.
//
// A core pushes the words of a command into its own queue (two commands deep); one command per
// cycle moves on to a global queue per direction (eight deep). The head is cut into bursts of at
// most 256 bytes or one line. Two ports write L1 and two read it, a word per cycle each, and wait
// for banks like anybody else. The far side answers at once but its banks are booked.
#include "mchan.h"

#include "memory.h"

#include <stdlib.h>

static void check_queues(tw_sim *sim, int64_t cycle);

bool tw_dma_is_busy(const tw_sim *sim) {
  for (int32_t i = 0; sim->mchan != NULL && i < COUNTERS; i++) {
    if (sim->mchan->pending[i] != 0) {
      return true;
    }
  }
  return false;
}

// Address in L1 as an offset; UINT32_MAX where [near, near + size) is not inside.
static uint32_t l1_offset(tw_sim *sim, uint32_t near, uint32_t size, tw_memory **l1) {
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, 0, near, l1, &offset, &latency) || (*l1)->domain != 0 ||
      offset + size > (*l1)->size) {
    return UINT32_MAX;
  }
  return offset;
}

static bool is_in_range(tw_sim *sim, tw_core *core, const command *c) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  const uint32_t lines = c->is_2d && c->length != 0 ? (c->size + c->length - 1) / c->length : 1;
  const uint32_t reach = c->is_2d ? (lines - 1) * c->stride + c->length : c->size;
  if (l1_offset(sim, c->near, c->size, &memory) == UINT32_MAX) {
    tw_raise(sim, core, TW_F_DMA_RANGE, c->near, c->size);
    return false;
  }
  if ((c->is_2d && c->length == 0) || !tw_memory_at(sim, 2, c->far, &memory, &offset, &latency) ||
      offset + reach > memory->size) {
    tw_raise(sim, core, TW_F_DMA_RANGE, c->far, reach);
    return false;
  }
  return true;
}

// Takes one word; true when the command is whole.
static bool take_word(tw_mchan *dma, int32_t channel, uint32_t value) {
  command *c = dma->filling[channel];
  if (c == NULL) {
    c = dma->filling[channel] = new_command(dma);
  }
  c->words[c->word_count++] = value;
  c->is_2d = (c->words[0] >> 19 & 1) != 0;
  if (c->word_count < (c->is_2d ? 5 : 3)) {
    return false;
  }
  c->size = c->to_start = c->to_finish = c->words[0] & 0x1ffff;
  c->to_l1 = (c->words[0] >> 17 & 1) != 0;
  c->counter = dma->counter_of[channel];
  c->near = c->words[1];
  c->far = c->line_far = c->words[2];
  c->length = c->line_left = c->is_2d ? c->words[3] : c->size;
  c->stride = c->words[4];
  return true;
}

static void push_word(tw_sim *sim, tw_core *core, int64_t cycle, int32_t channel, uint32_t value) {
  tw_mchan *dma = sim->mchan;
  if (!take_word(dma, channel, value)) {
    return;
  }
  command *c = dma->filling[channel];
  dma->filling[channel] = NULL;
  if (!is_in_range(sim, core, c)) {
    return;
  }
  c->started = cycle;
  dma->pending[c->counter] += c->size;
  dma->waiting[channel].items[dma->waiting[channel].count++] = c;
  check_queues(sim, cycle);
}

static uint32_t take_counter(tw_mchan *dma, int32_t channel) {
  dma->counter_of[channel] = __builtin_ctz(dma->free_counters);
  dma->free_counters &= dma->free_counters - 1;
  return (uint32_t)dma->counter_of[channel];
}

// A core that asks for a counter while none is free sleeps until somebody frees one.
static uint32_t allocate(tw_sim *sim, tw_core *core, int64_t cycle, int32_t channel) {
  tw_mchan *dma = sim->mchan;
  if (dma->free_counters != 0) {
    return take_counter(dma, channel);
  }
  dma->wants_counter |= 1u << channel;
  core->cycle = cycle;
  tw_sleep(sim, core, TW_L_DMA);
  return 0;
}

static void free_counters(tw_sim *sim, int64_t cycle, uint32_t which) {
  tw_mchan *dma = sim->mchan;
  dma->free_counters |= which & 0xffff;
  while (dma->free_counters != 0 && dma->wants_counter != 0) {
    const int32_t channel = __builtin_ctz(dma->wants_counter);
    tw_core *core = &sim->cores[channel];
    dma->wants_counter &= dma->wants_counter - 1;
    core->wake_register = core->load_register;
    core->wake_value = take_counter(dma, channel);
    tw_wake(sim, core, cycle, 0);
  }
}

static uint32_t read_status(const tw_mchan *dma) {
  uint32_t busy = 0;
  for (uint32_t i = 0; i < COUNTERS; i++) {
    busy |= (uint32_t)(dma->pending[i] != 0) << i;
  }
  return busy | (~dma->free_counters & 0xffff) << 16;
}

static uint32_t access_channel(tw_sim *sim, tw_core *core, int64_t cycle, int32_t channel,
                               uint32_t offset, uint32_t value, bool is_write) {
  tw_mchan *dma = sim->mchan;
  if (offset == 4) {
    if (is_write) {
      free_counters(sim, cycle, value);
    }
    return read_status(dma);
  }
  if (offset != 0) {
    tw_raise(sim, core, TW_F_DEVICE, offset, 4);
    return 0;
  }
  if (!is_write) {
    return allocate(sim, core, cycle, channel);
  }
  if (dma->waiting[channel].count == CORE_QUEUE) {
    dma->stalled_value[channel] = value;
    dma->is_stalled[channel] = true;
    core->cycle = cycle;
    tw_sleep(sim, core, TW_L_DMA);
    return 0;
  }
  push_word(sim, core, cycle, channel, value);
  return 0;
}

static void move_to_global(tw_sim *sim, int32_t direction) {
  tw_mchan *dma = sim->mchan;
  for (int32_t i = 0; i < CHANNELS; i++) {
    const int32_t channel = (dma->next_channel + i) % CHANNELS;
    const int32_t index = find_direction(&dma->waiting[channel], direction == 0);
    if (index < 0) {
      continue;
    }
    queue *to = &dma->global[direction];
    to->items[to->count++] = pop(&dma->waiting[channel], index);
    dma->next_channel = (dma->next_channel + 1) % CHANNELS;
    if (dma->is_stalled[channel]) {
      dma->is_stalled[channel] = false;
      tw_core *core = &sim->cores[channel];
      push_word(sim, core, tw_cluster_cycle(sim), channel, dma->stalled_value[channel]);
      tw_wake(sim, core, tw_cluster_cycle(sim), core->sleep_stall);
    }
    return;
  }
}

static bool has_waiting(const tw_mchan *dma, int32_t direction) {
  for (int32_t channel = 0; channel < CHANNELS; channel++) {
    if (find_direction(&dma->waiting[channel], direction == 0) >= 0) {
      return dma->global[direction].count < QUEUE;
    }
  }
  return false;
}

static void queue_handler(tw_sim *sim, int32_t slot) {
  (void)slot;
  if (has_waiting(sim->mchan, 0)) {
    move_to_global(sim, 0);
  } else if (has_waiting(sim->mchan, 1)) {
    move_to_global(sim, 1);
  }
  check_queues(sim, tw_cluster_cycle(sim));
}

// Cuts the next burst off the command; drops the command from `current` when it is all cut.
static void cut(tw_mchan *dma, int32_t direction, burst *b) {
  command *c = dma->current[direction];
  const uint32_t left = c->is_2d ? c->line_left : c->to_start;
  const uint32_t some = left < BURST ? left : BURST;
  b->of = c;
  b->size = some < c->to_start ? some : c->to_start;
  b->done = 0;
  b->near = c->near;
  b->far = c->far;
  c->near += b->size;
  c->far += b->size;
  c->to_start -= b->size;
  c->line_left -= b->size;
  if (c->is_2d && c->line_left == 0) {
    c->line_left = c->length;
    c->far = c->line_far = c->line_far + c->stride;
  }
  if (c->to_start == 0) {
    dma->current[direction] = NULL;
  }
}

static void copy_far(tw_sim *sim, burst *b, bool to_l1) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, 2, b->far, &memory, &offset, &latency)) {
    return; // the command was in range
  }
  for (uint32_t word = 0; word < (b->size + 3) / 4; word++) {
    tw_bank_wait(sim, memory, offset + 4 * word, sim->now, 0);
  }
  if (to_l1) {
    memcpy(b->data, memory->bytes + offset, b->size);
  } else {
    memcpy(memory->bytes + offset, b->data, b->size);
    tw_forget_code(memory, offset, b->size);
    if (memory->is_written != NULL) {
      memset(memory->is_written + offset, 1, b->size);
    }
  }
}

static bool take_current(tw_mchan *dma, int32_t direction) {
  if (dma->current[direction] == NULL && dma->global[direction].count > 0) {
    dma->current[direction] = pop(&dma->global[direction], 0);
  }
  return dma->current[direction] != NULL;
}

static void read_handler(tw_sim *sim, int32_t slot) {
  tw_mchan *dma = sim->mchan;
  (void)slot;
  if (take_current(dma, 0) && dma->read_count < BURSTS) {
    burst *b = &dma->reads[(dma->read_head + dma->read_count++) % BURSTS];
    cut(dma, 0, b);
    copy_far(sim, b, true);
  }
  check_queues(sim, tw_cluster_cycle(sim));
}

static void write_handler(tw_sim *sim, int32_t slot) {
  tw_mchan *dma = sim->mchan;
  (void)slot;
  if (take_current(dma, 1) && !dma->has_write) {
    cut(dma, 1, &dma->write);
    dma->has_write = true;
  }
  check_queues(sim, tw_cluster_cycle(sim));
}

static void account(tw_sim *sim, command *c, uint32_t bytes) {
  tw_mchan *dma = sim->mchan;
  c->to_finish -= bytes;
  dma->pending[c->counter] -= bytes;
  if (c->to_finish == 0) {
    tw_record(sim, TW_TRACK_DMA + !c->to_l1, c->size, c->started, tw_cluster_cycle(sim) + 1);
    c->is_used = false;
  }
  if (dma->pending[c->counter] == 0) {
    tw_trigger(sim, 1u << TW_EVENT_DMA, 0, tw_cluster_cycle(sim));
  }
}

// One port moves up to a word between a burst and L1.
static void move_word(tw_sim *sim, int32_t port, burst *b, bool to_l1, int64_t cycle) {
  tw_mchan *dma = sim->mchan;
  tw_memory *l1;
  const uint32_t near = b->near + b->done;
  const uint32_t to_word = 4 - (near & 3), left = b->size - b->done;
  const uint32_t size = to_word < left ? to_word : left;
  const uint32_t offset = l1_offset(sim, near, size, &l1);
  dma->port_free[port] = cycle + 1 + tw_bank_wait(sim, l1, offset, sim->now, 0);
  if (to_l1) {
    memcpy(l1->bytes + offset, b->data + b->done, size);
    tw_forget_code(l1, offset, size);
    if (l1->is_written != NULL) {
      memset(l1->is_written + offset, 1, size);
    }
  } else {
    memcpy(b->data + b->done, l1->bytes + offset, size);
  }
  b->done += size;
  if (to_l1) {
    account(sim, b->of, size);
  }
}

static void local_handler(tw_sim *sim, int32_t slot) {
  tw_mchan *dma = sim->mchan;
  const int64_t cycle = tw_cluster_cycle(sim);
  (void)slot;
  for (int32_t port = 0; port < 4; port++) {
    const bool to_l1 = port < 2;
    if (dma->port_free[port] > cycle || (to_l1 ? dma->read_count == 0 : !dma->has_write)) {
      continue;
    }
    burst *b = to_l1 ? &dma->reads[dma->read_head] : &dma->write;
    move_word(sim, port, b, to_l1, cycle);
    if (b->done < b->size) {
      continue;
    }
    if (to_l1) {
      dma->read_head = (dma->read_head + 1) % BURSTS;
      dma->read_count--;
    } else {
      dma->has_write = false;
      copy_far(sim, b, false);
      account(sim, b->of, b->size);
    }
  }
  check_queues(sim, cycle);
}

static void plan(tw_sim *sim, int32_t slot, tw_handler handler, int64_t cycle, bool is_due) {
  if (is_due && sim->events[slot].key == INT64_MAX) {
    tw_schedule(sim, slot, handler, cycle);
  }
}

static void check_queues(tw_sim *sim, int64_t cycle) {
  tw_mchan *dma = sim->mchan;
  plan(sim, TW_SLOT_DMA_QUEUE, queue_handler, cycle + 1,
       has_waiting(dma, 0) || has_waiting(dma, 1));
  plan(sim, TW_SLOT_DMA_READ, read_handler, cycle + 1,
       dma->current[0] == NULL ? dma->global[0].count > 0 : dma->read_count < BURSTS);
  plan(sim, TW_SLOT_DMA_WRITE, write_handler, cycle + 1,
       dma->current[1] == NULL ? dma->global[1].count > 0 : !dma->has_write);
  int64_t ready = dma->port_free[0];
  for (int32_t port = 1; port < 4; port++) {
    ready = dma->port_free[port] < ready ? dma->port_free[port] : ready;
  }
  plan(sim, TW_SLOT_DMA_LOCAL, local_handler, ready > cycle ? ready : cycle + 1,
       dma->read_count > 0 || dma->has_write);
}

static bool owns(tw_sim *sim, const tw_memory *memory, uint32_t offset, uint32_t size,
                 bool is_write) {
  for (int32_t i = 0; sim->mchan != NULL && i < COMMANDS; i++) {
    const command *c = &sim->mchan->pool[i];
    if (!c->is_used || c->to_finish == 0 || (!c->to_l1 && !is_write)) {
      continue; // what the DMA only reads may be read
    }
    tw_memory *l1;
    const uint32_t start = l1_offset(sim, c->words[1], c->size, &l1);
    if (l1 == memory && offset < start + c->size && start < offset + size) {
      return true;
    }
  }
  return false;
}

static uint32_t access_demux(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                             uint32_t value, bool is_write) {
  return access_channel(sim, core, cycle, core->id, offset, value, is_write);
}

static uint32_t access_external(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                uint32_t value, bool is_write) {
  return access_channel(sim, core, cycle, EXTERNAL, offset, value, is_write);
}

bool tw_plug_mchan(tw_sim *sim) {
  sim->mchan = calloc(1, sizeof *sim->mchan);
  if (sim->mchan == NULL) {
    return false;
  }
  sim->mchan->free_counters = 0xffff;
  sim->devices[TW_MCHAN_DEMUX] = access_demux;
  sim->devices[TW_MCHAN_EXTERNAL] = access_external;
  sim->dma_owns = owns;
  return true;
}
