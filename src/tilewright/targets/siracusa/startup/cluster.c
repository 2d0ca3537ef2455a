/// The cluster from reset on: who starts whom, where cores wait for work, how a program ends.
#include "cluster.h"
#include "tw_dma.h"

enum {
  CLUSTER_CONTROL = 0x10200000,
  FETCH_ENABLE = 0x08,
  BOOT_ADDRESS = 0x40,
  INSTRUCTION_CACHE = 0x10201400,
  BARRIER_ARRIVES = 0x200, // offset in a core's view of the event unit: a bit per core
  BARRIER_WAKES = 0x20c,
  SYS_WRITE0 = 4,
  SYS_EXIT_EXTENDED = 0x20,
  EXIT_REASON = 0x20026
};

__attribute__((section(".l1"))) tw_phase tw_next_phase;

// What cores tell each other in the middle of a call: xp_meet.h.
extern int32_t tw_told[8];
extern uint64_t tw_told_sums[8];
__attribute__((section(".l1"))) int32_t tw_told[8];
__attribute__((section(".l1"))) uint64_t tw_told_sums[8];

__attribute__((section(".l1"))) tw_channel *tw_mchan_holders[16];

int main(void);
int tw_semihost(int operation, const void *argument);
void tw_start_cluster(void);
void tw_cluster_entry(int32_t core);

void tw_exit(int32_t code) {
  const uint32_t block[2] = {EXIT_REASON, (uint32_t)code};
  for (;;) {
    tw_semihost(SYS_EXIT_EXTENDED, block);
  }
}

void tw_say(const char *text) { tw_semihost(SYS_WRITE0, text); }

static volatile uint32_t *reg(uint32_t address) { return (volatile uint32_t *)address; }

/// On the fabric controller. The instruction cache is off at reset.
void tw_start_cluster(void) {
  extern char _start[];
  *reg(INSTRUCTION_CACHE) = UINT32_MAX;
  for (uint32_t core = 0; core < TW_CLUSTER_CORES; ++core) {
    *reg(CLUSTER_CONTROL + BOOT_ADDRESS + 4 * core) = (uint32_t)_start;
  }
  *reg(CLUSTER_CONTROL + FETCH_ENABLE) = (1u << TW_CLUSTER_CORES) - 1;
}

/// On every core of the cluster. All write the same to the barrier, so none comes too early.
void tw_cluster_entry(int32_t core) {
  const uint32_t all = (1u << TW_CLUSTER_CORES) - 1;
  *reg(TW_EVENT_UNIT + BARRIER_ARRIVES) = all;
  *reg(TW_EVENT_UNIT + BARRIER_WAKES) = all;
  tw_listen_to(TW_EVENT_BARRIER);
  if (core == 0) {
    for (int32_t i = 0; i < 8; ++i) {
      tw_told[i] = 0;
      tw_told_sums[i] = 0;
    }
    tw_exit(main());
  }
  for (;;) {
    tw_meet();
    tw_do_share(&tw_next_phase, core);
    tw_meet();
  }
}
