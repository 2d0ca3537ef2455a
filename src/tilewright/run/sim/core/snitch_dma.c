// Xdma: the DMA engine of a Snitch cluster. Transfers of one core, in order, 64 bytes a cycle for
// both directions together.
//
// With dma_is_split (the emulator) a transfer is one event at its end, and bursts inwards are not
// overlapped; else every beat is an event that takes a superbank of the TCDM, before the cores.
#include "snitch.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t BUS = 64;
enum { QUEUE = 8, BURST = 4096, IS_2D = 2 };
enum { COMPLETED, NEXT, BUSY, WOULD_BLOCK };

typedef struct {
  uint32_t source, destination, bytes, lines;
  int32_t source_stride, destination_stride;
  uint32_t id;
  int64_t asked, started;
  bool from_far, to_far;
} transfer;

struct tw_xdma {
  transfer now; // being set up
  transfer queue[QUEUE];
  uint32_t head, count, next_id, completed;
  uint32_t line, done; // of the transfer at work: lines, bytes of the line
  int64_t due;         // half cycles: when the next beat is due
  int64_t line_start;  // half cycles
  bool is_back_to_back;
  bool has_stalled; // a core sleeps until there is room
  transfer stalled;
  int32_t stalled_core;
};

static void begin(tw_sim *sim, int64_t cycle);

static uint32_t chunks(uint32_t address, uint32_t bytes) {
  return bytes == 0 ? 0 : (address + bytes - 1) / BUS - address / BUS + 1;
}

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

// Zeros where the source is the zero memory; NULL where nothing is mapped.
static uint8_t *bytes_at(tw_sim *sim, uint32_t address, uint32_t size, bool *is_zeros, bool *is_far,
                         tw_memory **home) {
  const tw_route *route = tw_route_of(sim, 2, address);
  const uint32_t offset = address - route->base;
  *is_zeros = route->kind == TW_DEVICE && route->target == TW_ZERO_MEMORY;
  *home = NULL;
  *is_far = true;
  if (*is_zeros || route->kind != TW_MEMORY || size > route->size - offset) {
    return NULL;
  }
  *home = &sim->memories[route->target];
  *is_far = (*home)->banks == 0;
  return (*home)->bytes + offset + route->offset;
}

static bool is_sound(tw_sim *sim, tw_core *core, transfer *t) {
  const uint32_t ends[] = {t->source, t->destination};
  const int32_t strides[] = {t->source_stride, t->destination_stride};
  bool *const far[] = {&t->from_far, &t->to_far};
  for (int32_t side = 0; side < 2; side++) {
    const int64_t last = (int64_t)ends[side] + (int64_t)(t->lines - 1) * strides[side];
    if (t->lines != 0 && (last < 0 || last > UINT32_MAX)) {
      tw_raise(sim, core, TW_F_DMA_RANGE, ends[side], t->bytes);
      return false;
    }
    for (int32_t end = 0; end < 2; end++) {
      bool is_zeros;
      tw_memory *home;
      const uint32_t address = end == 0 ? ends[side] : (uint32_t)last;
      if (t->lines != 0 && t->bytes != 0 &&
          bytes_at(sim, address, t->bytes, &is_zeros, far[side], &home) == NULL && !is_zeros) {
        tw_raise(sim, core, TW_F_DMA_RANGE, address, t->bytes);
        return false;
      }
    }
  }
  return true;
}

static void copy(tw_sim *sim, uint32_t source, uint32_t destination, uint32_t size) {
  bool from_zeros, to_zeros, is_far;
  tw_memory *from, *to;
  const uint8_t *in = bytes_at(sim, source, size, &from_zeros, &is_far, &from);
  uint8_t *out = bytes_at(sim, destination, size, &to_zeros, &is_far, &to);
  if (size == 0 || out == NULL || (in == NULL && !from_zeros)) {
    return; // the zero memory ignores what is written
  }
  if (from_zeros) {
    memset(out, 0, size);
  } else {
    memmove(out, in, size);
  }
  const uint32_t offset = (uint32_t)(out - to->bytes);
  tw_forget_code(to, offset, size);
  if (to->is_written != NULL) {
    memset(to->is_written + offset, 1, size);
  }
}

// The DMA has the superbank of this address in `cycle`, whoever else wants it.
static void take_superbank(tw_sim *sim, uint32_t address, int64_t cycle) {
  bool is_zeros, is_far;
  tw_memory *home;
  const uint8_t *at = bytes_at(sim, address & ~(BUS - 1), BUS, &is_zeros, &is_far, &home);
  if (at == NULL || is_far) {
    return;
  }
  const uint32_t first = (uint32_t)(at - home->bytes) >> home->word_shift;
  for (uint32_t i = 0; i < BUS >> home->word_shift; i++) {
    int64_t *free = &home->free[(first + i) & (uint32_t)(home->banks - 1)];
    *free = (*free > cycle ? *free : cycle) + 1;
  }
}

static void finish(tw_sim *sim, int64_t cycle) {
  tw_xdma *dma = sim->snitch->dma;
  transfer *t = &dma->queue[dma->head];
  tw_record(sim, TW_TRACK_DMA + t->to_far, t->bytes * t->lines, t->asked, cycle);
  sim->snitch->moved_bytes += (int64_t)t->bytes * t->lines;
  sim->snitch->moving_cycles += cycle - t->started;
  dma->completed = t->id;
  dma->head = (dma->head + 1) % QUEUE;
  dma->count--;
  dma->is_back_to_back = dma->count > 0;
  if (dma->has_stalled) {
    tw_core *core = &sim->cores[dma->stalled_core];
    dma->has_stalled = false;
    dma->queue[(dma->head + dma->count++) % QUEUE] = dma->stalled;
    core->wake_register = core->load_register;
    core->wake_value = dma->stalled.id;
    tw_wake(sim, core, cycle, 0);
  }
  if (dma->count > 0) {
    begin(sim, cycle);
  }
}

// The emulator: a transfer inwards pays again for every burst but the first, up to eight of them.
static int64_t split_cycles(const tw_xdma *dma, const transfer *t) {
  const int64_t beats = (t->bytes + BUS - 1) / BUS, all = beats * t->lines;
  if (!t->from_far || t->to_far || all == 0) {
    return all;
  }
  const int64_t per_line = (t->bytes + BURST - 1) / BURST, bursts = per_line * t->lines;
  const int64_t size = beats < BURST / BUS ? beats : BURST / BUS;
  int64_t more = (bursts - 1) * (size - 1);
  if (bursts > QUEUE) {
    more = 8 * (size - 1) < 7 * size ? 8 * (size - 1) : 7 * size;
  }
  const int64_t set_up = 6; // of a queued transfer, hidden behind the one before
  return all + more + (dma->is_back_to_back && size - 1 > set_up ? size - 1 - set_up : 0);
}

static void end_handler(tw_sim *sim, int32_t slot) {
  const transfer *t = &sim->snitch->dma->queue[sim->snitch->dma->head];
  (void)slot;
  for (uint32_t line = 0; line < t->lines; line++) {
    copy(sim, t->source + line * (uint32_t)t->source_stride,
         t->destination + line * (uint32_t)t->destination_stride, t->bytes);
  }
  finish(sim, tw_cluster_cycle(sim));
}

// One beat: what fits the bus at the destination. The line is over when its beats are.
static void beat_handler(tw_sim *sim, int32_t slot) {
  tw_xdma *dma = sim->snitch->dma;
  const transfer *t = &dma->queue[dma->head];
  const int64_t cycle = tw_cluster_cycle(sim);
  const uint32_t source = t->source + dma->line * (uint32_t)t->source_stride;
  const uint32_t destination = t->destination + dma->line * (uint32_t)t->destination_stride;
  const int64_t beats = larger(chunks(source, t->bytes), chunks(destination, t->bytes));
  const uint32_t room = BUS - (destination + dma->done) % BUS;
  const uint32_t left = t->bytes - dma->done, size = left < room ? left : room;
  if (size > 0) {
    take_superbank(sim, source + dma->done, cycle + 1);
    take_superbank(sim, destination + dma->done, cycle + 1);
    copy(sim, source + dma->done, destination + dma->done, size);
    dma->done += size;
  }
  dma->due += 2;
  if (dma->due - dma->line_start >= 2 * beats) {
    const int64_t least = dma->line_start + sim->snitch->timing.dma_line;
    dma->due = dma->due > least ? dma->due : least;
    dma->line_start = dma->due;
    dma->done = 0;
    dma->line++;
  }
  if (dma->line == t->lines) {
    finish(sim, cycle + 1);
  } else {
    tw_schedule(sim, slot, beat_handler, (dma->due + 1) / 2);
  }
}

static void begin(tw_sim *sim, int64_t cycle) {
  tw_xdma *dma = sim->snitch->dma;
  const tw_snitch_timing *timing = &sim->snitch->timing;
  transfer *t = &dma->queue[dma->head];
  int64_t start = t->asked + timing->dma_start + (t->from_far ? timing->dma_far_read : 0);
  start = start > cycle ? start : cycle;
  t->started = start;
  dma->line = dma->done = 0;
  if (timing->dma_is_split || t->lines == 0 || t->bytes == 0) {
    tw_schedule(sim, TW_SLOT_DMA_LOCAL, end_handler, start + split_cycles(dma, t));
    return;
  }
  dma->due = dma->line_start = 2 * start;
  tw_schedule(sim, TW_SLOT_DMA_LOCAL, beat_handler, start);
}

void tw_xdma_set(tw_sim *sim, tw_core *core, tw_xdma_field field, uint32_t low, uint32_t high) {
  transfer *now = &sim->snitch->dma->now;
  if ((field == DMA_SOURCE || field == DMA_DESTINATION) && high != 0) {
    tw_raise(sim, core, TW_F_DMA_RANGE, high, 0);
  }
  switch (field) {
  case DMA_SOURCE:
    now->source = low;
    break;
  case DMA_DESTINATION:
    now->destination = low;
    break;
  case DMA_STRIDES:
    now->source_stride = (int32_t)low;
    now->destination_stride = (int32_t)high;
    break;
  case DMA_LINES:
    now->lines = low;
    break;
  default:
    break; // the bus's user field reaches nobody here
  }
}

uint32_t tw_xdma_copy(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t bytes, uint32_t config) {
  tw_xdma *dma = sim->snitch->dma;
  transfer t = dma->now;
  t.bytes = bytes;
  t.lines = (config & IS_2D) != 0 ? t.lines : 1;
  t.asked = cycle;
  core->snitch->at = cycle + sim->snitch->timing.dma_result;
  if (!is_sound(sim, core, &t)) {
    return 0;
  }
  t.id = dma->next_id++;
  if (dma->count == QUEUE) {
    dma->has_stalled = true;
    dma->stalled = t;
    dma->stalled_core = core->id;
    core->cycle = cycle;
    tw_sleep(sim, core, TW_L_DMA);
    return t.id;
  }
  dma->queue[(dma->head + dma->count++) % QUEUE] = t;
  if (dma->count == 1) {
    dma->is_back_to_back = false;
    begin(sim, cycle);
  }
  return t.id;
}

uint32_t tw_xdma_status(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t which) {
  const tw_xdma *dma = sim->snitch->dma;
  core->snitch->at = cycle + sim->snitch->timing.dma_result;
  switch (which & 3) {
  case COMPLETED:
    return dma->completed;
  case NEXT:
    return dma->next_id;
  case BUSY:
    return dma->count > 0;
  default:
    return dma->count == QUEUE;
  }
}

static bool touches(const tw_sim *sim, uint32_t start, int32_t stride, const transfer *t,
                    const tw_memory *memory, uint32_t offset, uint32_t size) {
  for (uint32_t line = 0; line < t->lines; line++) {
    const tw_route *route = tw_route_of((tw_sim *)sim, 2, start + line * (uint32_t)stride);
    const uint32_t first = start + line * (uint32_t)stride - route->base + (uint32_t)route->offset;
    if (route->kind == TW_MEMORY && &sim->memories[route->target] == memory &&
        offset < first + t->bytes && first < offset + size) {
      return true;
    }
  }
  return false;
}

static bool owns(tw_sim *sim, const tw_memory *memory, uint32_t offset, uint32_t size,
                 bool is_write) {
  const tw_xdma *dma = sim->snitch->dma;
  for (uint32_t i = 0; i < dma->count; i++) {
    const transfer *t = &dma->queue[(dma->head + i) % QUEUE];
    if (touches(sim, t->destination, t->destination_stride, t, memory, offset, size) ||
        (is_write && touches(sim, t->source, t->source_stride, t, memory, offset, size))) {
      return true;
    }
  }
  return false;
}

bool tw_plug_xdma(tw_sim *sim) {
  sim->snitch->dma = calloc(1, sizeof *sim->snitch->dma);
  if (sim->snitch->dma == NULL) {
    return false;
  }
  sim->snitch->dma->next_id = 2;
  sim->snitch->dma->completed = 1;
  sim->dma_owns = owns;
  return true;
}
