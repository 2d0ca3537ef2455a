// Registers of the small devices, output, and semihosting.
#include "memory.h"

#include <stdlib.h>

enum { FETCH_ENABLE = 0x08, BOOT_ADDRESS = 0x40, EXIT_OK = 0x20026 };

void tw_print(tw_sim *sim, const char *text, size_t size) {
  if (sim->output_size + size > sim->output_room) {
    const size_t room = 2 * (sim->output_size + size) + 256;
    char *grown = realloc(sim->output, room);
    if (grown == NULL) {
      return;
    }
    sim->output = grown;
    sim->output_room = room;
  }
  memcpy(sim->output + sim->output_size, text, size);
  sim->output_size += size;
}

void tw_wait_for_interrupt(tw_sim *sim, tw_core *core) { tw_sleep(sim, core, TW_L_ASLEEP); }

void tw_environment_call(tw_sim *sim, tw_core *core) {
  tw_raise(sim, core, TW_F_ECALL, core->x[17], 0);
}

static void print_string(tw_sim *sim, tw_core *core, uint32_t address, uint32_t limit) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, core->view, address, &memory, &offset, &latency)) {
    tw_raise(sim, core, TW_F_UNMAPPED, address, 1);
    return;
  }
  const uint32_t room = memory->size - offset < limit ? memory->size - offset : limit;
  const char *text = (const char *)memory->bytes + offset;
  tw_print(sim, text, strnlen(text, room));
}

static uint32_t peek(tw_sim *sim, const tw_core *core, uint32_t address) {
  tw_memory *memory;
  uint32_t offset, value = 0;
  int32_t latency;
  if (tw_memory_at(sim, core->view, address, &memory, &offset, &latency) &&
      offset + 4 <= memory->size) {
    memcpy(&value, memory->bytes + offset, 4);
  }
  return value;
}

// Semihosting: the break stands between slli x0, x0, 31 and srai x0, x0, 7.
void tw_breakpoint(tw_sim *sim, tw_core *core, uint32_t pc) {
  if (peek(sim, core, pc - 4) != 0x01f01013 || peek(sim, core, pc + 4) != 0x40705013) {
    tw_raise(sim, core, TW_F_ILLEGAL, pc, 0);
    return;
  }
  const uint32_t argument = core->x[11];
  switch (core->x[10]) {
  case 0x03: // SYS_WRITEC
    print_string(sim, core, argument, 1);
    break;
  case 0x04: // SYS_WRITE0
    print_string(sim, core, argument, UINT32_MAX);
    break;
  case 0x05: // SYS_WRITE: file, address, size
    print_string(sim, core, peek(sim, core, argument + 4), peek(sim, core, argument + 8));
    core->x[10] = 0;
    break;
  case 0x18: // SYS_EXIT
    tw_stop(sim, TW_EXITED, argument == EXIT_OK ? 0 : 1);
    break;
  case 0x20: // SYS_EXIT_EXTENDED: reason, code
    tw_stop(sim, TW_EXITED,
            peek(sim, core, argument) == EXIT_OK ? (int32_t)peek(sim, core, argument + 4) : 1);
    break;
  default:
    tw_raise(sim, core, TW_F_ECALL, core->x[10], 0);
  }
}

static uint32_t access_cluster_control(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                       uint32_t value, bool is_write) {
  (void)core;
  (void)cycle;
  uint32_t *reg = &sim->registers[offset / 4 % 64];
  if (!is_write) {
    return *reg;
  }
  const uint32_t changed = value & ~*reg;
  *reg = value;
  if (offset == 0) {
    tw_stop(sim, TW_EXITED, (int32_t)value); // end of computation
  }
  for (int32_t i = 0; i < sim->core_count; i++) {
    tw_core *other = &sim->cores[i];
    if (other->view != 0) {
      continue;
    }
    if (offset == BOOT_ADDRESS + 4 * (uint32_t)other->id) {
      other->boot = value;
    }
    if (offset == FETCH_ENABLE && (changed >> other->id & 1) != 0 && other->state == TW_OFF) {
      tw_start_core(sim, other, sim->now);
    }
  }
  return 0;
}

static uint32_t access_timer(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                             uint32_t value, bool is_write) {
  (void)core;
  const uint32_t which = offset / 4 % 2;
  const bool runs = (sim->timer_config[which] & 1) != 0;
  const int64_t count = runs ? cycle - sim->timer_start[which] : sim->timer_held[which];
  switch (offset & ~7u) {
  case 0x00:
    if (!is_write) {
      return sim->timer_config[which];
    }
    sim->timer_held[which] = (value & 2) != 0 ? 0 : count;
    sim->timer_start[which] = cycle - sim->timer_held[which];
    sim->timer_config[which] = value & ~2u;
    return 0;
  case 0x08:
    if (is_write) {
      sim->timer_held[which] = value;
      sim->timer_start[which] = cycle - value;
    }
    return (uint32_t)count;
  case 0x18:
  case 0x20:
    if (is_write) { // start; reset
      sim->timer_config[which] |= (offset & ~7u) == 0x18;
      sim->timer_held[which] = (offset & ~7u) == 0x20 ? 0 : count;
      sim->timer_start[which] = cycle - sim->timer_held[which];
    }
    return 0;
  default:
    return 0;
  }
}

static uint32_t switch_cache(tw_sim *sim, tw_cache *cache, uint32_t offset, uint32_t value,
                             bool is_write) {
  if (is_write && offset == 0) {
    cache->is_enabled = value != 0;
  }
  if (is_write && offset == 4) {
    tw_flush_icaches(sim);
  }
  return cache->is_enabled;
}

static uint32_t access_icache_control(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                      uint32_t value, bool is_write) {
  (void)core;
  (void)cycle;
  return switch_cache(sim, &sim->shared[0], offset, value, is_write);
}

static uint32_t access_fc_icache_control(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                         uint32_t value, bool is_write) {
  (void)cycle;
  return switch_cache(sim, &core->icache, offset, value, is_write);
}

static uint32_t access_stdout(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                              uint32_t value, bool is_write) {
  (void)core;
  (void)cycle;
  (void)offset;
  const char letter = (char)(value & 0xff);
  if (is_write) {
    tw_print(sim, &letter, 1);
  }
  return 0;
}

// A 16550 whose transmitter is always empty.
static uint32_t access_uart(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                            uint32_t value, bool is_write) {
  if (offset == 5) {
    return 0x60;
  }
  return offset == 0 ? access_stdout(sim, core, cycle, offset, value, is_write) : 0;
}

static uint32_t access_finisher(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                uint32_t value, bool is_write) {
  (void)core;
  (void)cycle;
  (void)offset;
  if (is_write && (value & 0xffff) == 0x5555) {
    tw_stop(sim, TW_EXITED, 0);
  } else if (is_write && (value & 0xffff) == 0x3333) {
    tw_stop(sim, TW_EXITED, (int32_t)(value >> 16));
  }
  return 0;
}

static uint32_t access_plain(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                             uint32_t value, bool is_write) {
  (void)core;
  (void)cycle;
  uint32_t *reg = &sim->registers[64 + offset / 4 % 192];
  *reg = is_write ? value : *reg;
  return *reg;
}

void tw_plug_small_devices(tw_sim *sim) {
  sim->devices[TW_CLUSTER_CONTROL] = access_cluster_control;
  sim->devices[TW_TIMER] = access_timer;
  sim->devices[TW_ICACHE_CONTROL] = access_icache_control;
  sim->devices[TW_FC_ICACHE_CONTROL] = access_fc_icache_control;
  sim->devices[TW_STDOUT] = access_stdout;
  sim->devices[TW_UART] = access_uart;
  sim->devices[TW_FINISHER] = access_finisher;
  sim->devices[TW_PLAIN_REGISTERS] = access_plain;
}
