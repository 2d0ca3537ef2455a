#include "tw_sim.h"

enum {
  CLUSTER_CONTROL = 0x10200000,
  NEUREKA = 0x10201000,
  ICACHE = 0x10201400,
  EVENT_UNIT = 0x10204000, // the calling core's own view
  MCHAN = 0x10204400,
  EVENT_DMA = 8,
  EVENT_NPU = 12,
  EVENT_BARRIER = 16,
  SYS_WRITE0 = 4,
  SYS_EXIT_EXTENDED = 0x20,
  EXIT_REASON = 0x20026,
};

int tw_semihost(int operation, const void *argument);
void tw_cluster_entry(int core);

static volatile uint32_t *reg(uint32_t address) { return (volatile uint32_t *)address; }

// A load that sleeps until the event unit answers.
static uint32_t event_load(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".insn i 0x03, 6, %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");
  return value;
}

// The mask holds one event at a time: another one that is pending would end the wait early.
static void wait_for(uint32_t event) {
  *reg(EVENT_UNIT) = 1u << event;
  event_load(EVENT_UNIT + 0x3c);
}

void tw_exit(int code) {
  const uint32_t block[2] = {EXIT_REASON, (uint32_t)code};
  for (;;) {
    tw_semihost(SYS_EXIT_EXTENDED, block);
  }
}

void *memcpy(void *to, const void *from, size_t size) {
  char *t = to;
  const char *f = from;
  while (size-- > 0) {
    *t++ = *f++;
  }
  return to;
}

void *memset(void *to, int value, size_t size) {
  char *t = to;
  while (size-- > 0) {
    *t++ = (char)value;
  }
  return to;
}

typedef struct {
  tw_work work;
  void *argument;
  int cores;
} team;

static team current;
static volatile uint32_t round_of_work, finished;
static volatile uint32_t is_started;

void tw_barrier(void) {
  *reg(EVENT_UNIT) = 1u << EVENT_BARRIER;
  event_load(EVENT_UNIT + 0x21c);
}

// Cores sleep at software event 0 between rounds.
void tw_cluster_entry(int core) {
  uint32_t seen = 0;
  for (;;) {
    while (round_of_work == seen) {
      wait_for(0);
    }
    seen = round_of_work;
    if (core < current.cores) {
      const uint32_t all = (1u << current.cores) - 1;
      *reg(EVENT_UNIT + 0x200) = all; // who arrives, who is woken: everybody writes the same
      *reg(EVENT_UNIT + 0x20c) = all;
      current.work(core, current.argument);
      tw_barrier();
    }
    if (core == 0) {
      finished = seen;
    }
  }
}

void tw_run_on_cluster(int cores, tw_work work, void *argument) {
  extern char _start[];
  current.work = work;
  current.argument = argument;
  current.cores = cores < 1 ? 1 : cores > TW_WORKERS ? TW_WORKERS : cores;
  round_of_work++;
  if (!is_started) {
    is_started = 1;
    *reg(ICACHE) = UINT32_MAX;
    for (uint32_t core = 0; core < TW_WORKERS; core++) {
      *reg(CLUSTER_CONTROL + 0x40 + 4 * core) = (uint32_t)_start;
    }
    *reg(CLUSTER_CONTROL + 0x08) = (1u << TW_WORKERS) - 1;
  } else {
    *reg(0x10200800 + 0x600) = 0; // software event 0 to every core
  }
  // A pause between reads: a busy fabric controller would slow the cluster's way to L2.
  while (finished != round_of_work) {
    for (volatile int i = 0; i < 20; i++) {
    }
  }
}

enum { TO_L1 = 1 << 17, INCREMENT = 1 << 18, TWO_D = 1 << 19, RAISE_EVENT = 1 << 20 };

static uint32_t dma(uint32_t l1, uint32_t far, uint32_t command) {
  const uint32_t transfer = *reg(MCHAN);
  *reg(MCHAN) = command | INCREMENT | RAISE_EVENT;
  *reg(MCHAN) = l1;
  *reg(MCHAN) = far;
  return transfer;
}

static uint32_t dma_2d(uint32_t l1, uint32_t far, uint32_t command, uint32_t line,
                       uint32_t stride) {
  const uint32_t transfer = dma(l1, far, command | TWO_D);
  *reg(MCHAN) = line;
  *reg(MCHAN) = stride;
  return transfer;
}

uint32_t tw_dma_to_l1(void *l1, const void *from, uint32_t size) {
  return dma((uint32_t)l1, (uint32_t)from, size | TO_L1);
}

uint32_t tw_dma_from_l1(void *to, const void *l1, uint32_t size) {
  return dma((uint32_t)l1, (uint32_t)to, size);
}

uint32_t tw_dma_to_l1_2d(void *l1, const void *from, uint32_t size, uint32_t line,
                         uint32_t stride) {
  return dma_2d((uint32_t)l1, (uint32_t)from, size | TO_L1, line, stride);
}

uint32_t tw_dma_from_l1_2d(void *to, const void *l1, uint32_t size, uint32_t line,
                           uint32_t stride) {
  return dma_2d((uint32_t)l1, (uint32_t)to, size, line, stride);
}

void tw_dma_wait(uint32_t transfer) {
  while ((*reg(MCHAN + 4) >> transfer & 1) != 0) {
    wait_for(EVENT_DMA);
  }
  *reg(MCHAN + 4) = 1u << transfer; // free the counter
}

void tw_neureka_start(const uint32_t job[TW_NEUREKA_REGISTERS]) {
  while ((int32_t)*reg(NEUREKA + 0x04) < 0) {
  }
  for (uint32_t i = 0; i < TW_NEUREKA_REGISTERS; i++) {
    *reg(NEUREKA + 0x20 + 4 * i) = job[i];
  }
  *reg(EVENT_UNIT + 0x28) = 1u << EVENT_NPU; // an old event must not end the wait
  *reg(NEUREKA) = 0;
}

void tw_neureka_wait(void) {
  while (*reg(NEUREKA + 0x0c) != 0) {
    wait_for(EVENT_NPU);
  }
}
