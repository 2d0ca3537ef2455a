// Stream registers (SSR): configuration, address generation, and the data movers behind ft0 to ft2.
//
// Each stream has a port to the TCDM and four words of room. A word is asked for as soon as there
// is room, at most one a cycle; a write leaves when its bank is free. One further start may be
// queued.
#include "snitch.h"

#include <string.h>

enum { ALL = 31, REPEAT = 1, BOUNDS = 2, STRIDES = 6, STATUS = 0, READ = 24, WRITE = 28 };

bool tw_stream_has_element(const tw_stream *stream) {
  return stream->is_on && !stream->is_write && stream->held > 0;
}

static uint32_t next_address(tw_stream *stream) {
  const uint32_t address = stream->address;
  uint32_t loop = 0;
  while (loop + 1 < stream->loops && stream->count[loop] == stream->bound[loop]) {
    stream->count[loop++] = 0;
  }
  stream->count[loop]++;
  stream->address += (uint32_t)stream->stride[loop];
  return address & ~7u;
}

static void fetch(tw_sim *sim, tw_core *core, tw_stream *stream, int64_t cycle) {
  int64_t at = stream->next_access > cycle ? stream->next_access : cycle;
  const uint32_t slot = (stream->head + stream->held) % TW_CREDITS;
  stream->data[slot] = tw_snitch_load_wide(sim, core, &at, next_address(stream), 8);
  stream->ready[slot] = at + sim->snitch->timing.stream_latency;
  stream->next_access = at + 1;
  stream->held++;
  stream->left--;
}

static void start(tw_sim *sim, tw_core *core, tw_stream *stream, const uint32_t *registers,
                  int64_t cycle) {
  stream->is_on = true;
  stream->left = 1;
  for (uint32_t loop = 0; loop < 4; loop++) {
    stream->bound[loop] = registers[BOUNDS + loop];
    stream->stride[loop] = (int32_t)registers[STRIDES + loop];
    stream->count[loop] = 0;
    stream->left *= loop < stream->loops ? (uint64_t)stream->bound[loop] + 1 : 1;
  }
  stream->repeat = registers[REPEAT] & 15;
  stream->repeated = stream->head = stream->held = 0;
  for (uint32_t slot = 0; slot < TW_CREDITS; slot++) {
    stream->ready[slot] = cycle;
  }
  while (!stream->is_write && stream->left > 0 && stream->held < TW_CREDITS) {
    fetch(sim, core, stream, cycle + 1);
  }
}

static void finish(tw_sim *sim, tw_core *core, tw_stream *stream, int64_t cycle) {
  stream->is_on = false;
  if (stream->has_shadow) {
    stream->has_shadow = false;
    stream->is_write = stream->shadow_is_write;
    stream->loops = stream->shadow_loops;
    stream->address = stream->shadow_start;
    start(sim, core, stream, stream->shadow, cycle);
  }
}

uint64_t tw_stream_pop(tw_sim *sim, tw_core *core, int32_t which, int64_t cycle) {
  tw_stream *stream = &core->snitch->streams[which];
  const uint64_t value = stream->data[stream->head % TW_CREDITS];
  if (stream->repeated < stream->repeat) {
    stream->repeated++;
    return value;
  }
  stream->repeated = 0;
  stream->head = (stream->head + 1) % TW_CREDITS;
  stream->held--;
  if (stream->left > 0) {
    fetch(sim, core, stream, cycle + 1);
  } else if (stream->held == 0) {
    finish(sim, core, stream, cycle);
  }
  return value;
}

void tw_stream_push(tw_sim *sim, tw_core *core, int32_t which, int64_t cycle, uint64_t value) {
  tw_stream *stream = &core->snitch->streams[which];
  int64_t at = stream->next_access > cycle ? stream->next_access : cycle;
  tw_snitch_store_wide(sim, core, &at, next_address(stream), 8, value);
  stream->next_access = at + 1;
  stream->ready[stream->head] = at + 1;
  stream->head = (stream->head + 1) % TW_CREDITS;
  if (--stream->left == 0) {
    finish(sim, core, stream, at);
  }
}

bool tw_ssr_is_full(const tw_core *core) {
  for (int32_t i = 0; i < TW_STREAMS; i++) {
    if (core->snitch->streams[i].has_shadow) {
      return true;
    }
  }
  return false;
}

static void write_one(tw_sim *sim, tw_core *core, tw_stream *stream, int64_t cycle, uint32_t number,
                      uint32_t value) {
  stream->registers[number] = value;
  if (number < READ) {
    return;
  }
  const bool is_write = number >= WRITE;
  const uint32_t loops = number % 4 + 1;
  if (stream->is_on) {
    stream->has_shadow = true;
    stream->shadow_is_write = is_write;
    stream->shadow_loops = loops;
    stream->shadow_start = value;
    memcpy(stream->shadow, stream->registers, sizeof stream->shadow);
    return;
  }
  stream->is_write = is_write;
  stream->loops = loops;
  stream->address = value;
  start(sim, core, stream, stream->registers, cycle);
}

void tw_ssr_write(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t where, uint32_t value) {
  const uint32_t number = where >> 5 & 127, which = where & 31;
  if (number >= 32 || (which >= TW_STREAMS && which != ALL) ||
      (number > 9 && number < READ)) { // 10 to 19: indirection
    tw_raise(sim, core, TW_F_DEVICE, where, 4);
    return;
  }
  for (uint32_t i = 0; i < TW_STREAMS; i++) {
    if (which == ALL || which == i) {
      write_one(sim, core, &core->snitch->streams[i], cycle, number, value);
    }
  }
}

uint32_t tw_ssr_read(tw_sim *sim, tw_core *core, uint32_t where) {
  const uint32_t number = where >> 5 & 127, which = where & 31;
  if (number >= 32 || which >= TW_STREAMS) {
    tw_raise(sim, core, TW_F_DEVICE, where, 4);
    return 0;
  }
  const tw_stream *stream = &core->snitch->streams[which];
  if (number != STATUS) {
    return stream->registers[number];
  }
  return (uint32_t)!stream->is_on << 31 | (uint32_t)stream->is_write << 30 |
         (stream->loops == 0 ? 0 : stream->loops - 1) << 28;
}
