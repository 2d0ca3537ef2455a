// The host interface (HTIF) of bare-metal programs, at their symbols tohost and fromhost.
#include "snitch.h"

#include <string.h>

enum { HOST_WRITE = 64 };

static bool host_memory(tw_sim *sim, tw_core *core, uint32_t address, uint32_t size, uint8_t **at) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, core->view, address, &memory, &offset, &latency) ||
      size > memory->size - offset) {
    tw_raise(sim, core, TW_F_UNMAPPED, address, size);
    return false;
  }
  *at = memory->bytes + offset;
  return true;
}

// A store to `tohost`: an odd value ends the program, an even one is the address of eight 64-bit
// words: call, file, buffer, size.
void tw_call_host(tw_sim *sim, tw_core *core, uint32_t value) {
  uint8_t *block, *text, *answer;
  uint64_t words[4];
  if (value == 0) {
    return;
  }
  if ((value & 1) != 0) {
    tw_stop(sim, TW_EXITED, (int32_t)(value >> 1));
    return;
  }
  if (!host_memory(sim, core, value, sizeof words, &block)) {
    return;
  }
  memcpy(words, block, sizeof words);
  if (words[0] != HOST_WRITE) {
    tw_raise(sim, core, TW_F_ECALL, (uint32_t)words[0], 0);
    return;
  }
  if (host_memory(sim, core, (uint32_t)words[2], (uint32_t)words[3], &text) &&
      host_memory(sim, core, sim->snitch->fromhost, 4, &answer)) {
    tw_print(sim, (const char *)text, (size_t)words[3]);
    memset(answer, 0, 4);
    answer[0] = 1;
  }
}
