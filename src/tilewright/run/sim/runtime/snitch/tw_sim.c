#include "tw_sim.h"

enum {
  SET_INTERRUPT = 0x100201a0,
  CLEAR_INTERRUPT = 0x100201a8,
  CLUSTER_INTERRUPT = 1 << 19,
  MAIN_HART = 8,
  SYS_WRITE0 = 4,
  HOST_WRITE = 64,
  ITA_STATUS = 0x0c,
};

extern volatile uint32_t tohost[2], fromhost[2];
int tw_semihost(int operation, const void *argument);
void tw_worker(int core) __attribute__((noreturn));

static volatile uint32_t *reg(uint32_t address) { return (volatile uint32_t *)address; }

static uint32_t add(volatile uint32_t *word, uint32_t value) {
  uint32_t old;
  __asm__ volatile("amoadd.w %0, %1, (%2)" : "=r"(old) : "r"(value), "r"(word) : "memory");
  return old;
}

static void take(volatile uint32_t *lock) {
  uint32_t old;
  do {
    __asm__ volatile("amoswap.w %0, %1, (%2)" : "=r"(old) : "r"(1), "r"(lock) : "memory");
  } while (old != 0);
}

static void give(volatile uint32_t *lock) {
  __asm__ volatile("fence" ::: "memory");
  *lock = 0;
}

// The call that printf.c makes, through the host interface: one core at a time.
int tw_semihost(int operation, const void *argument) {
  static volatile uint32_t lock;
  static volatile uint64_t call[8] __attribute__((aligned(64)));
  const char *text = argument;
  uint32_t size = 0;
  while (text[size] != '\0') {
    size++;
  }
  take(&lock);
  call[0] = HOST_WRITE;
  call[1] = 1;
  call[2] = (uint32_t)text;
  call[3] = size;
  __asm__ volatile("fence" ::: "memory");
  tohost[0] = (uint32_t)call;
  while (fromhost[0] == 0) {
  }
  fromhost[0] = 0;
  give(&lock);
  return operation;
}

void tw_exit(int code) {
  __asm__ volatile("fence" ::: "memory");
  tohost[0] = (uint32_t)code << 1 | 1;
  for (;;) {
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

static struct {
  tw_work work;
  void *argument;
  uint32_t cores;
} job;

TW_L1 static volatile uint32_t running, arrived, turn;

static void sleep_until_called(void) {
  __asm__ volatile("csrw mie, %0\n wfi" ::"r"(CLUSTER_INTERRUPT) : "memory");
  *reg(CLEAR_INTERRUPT) = 1u << tw_core();
  __asm__ volatile("fence" ::: "memory");
}

void tw_worker(int core) {
  for (;;) {
    sleep_until_called();
    job.work(core, job.argument);
    // Results of the floating-point side must be there before anybody else reads them.
    __asm__ volatile("csrr zero, fflags\n fence" ::: "memory");
    if (add(&running, UINT32_MAX) == 1) {
      *reg(SET_INTERRUPT) = 1u << MAIN_HART;
    }
  }
}

void tw_start_on_cluster(int cores, tw_work work, void *argument) {
  job.work = work;
  job.argument = argument;
  job.cores = (uint32_t)cores;
  arrived = turn = 0;
  running = (uint32_t)cores;
  __asm__ volatile("fence" ::: "memory");
  *reg(SET_INTERRUPT) = (1u << cores) - 1;
}

void tw_wait_for_cluster(void) { sleep_until_called(); }

void tw_run_on_cluster(int cores, tw_work work, void *argument) {
  tw_start_on_cluster(cores, work, argument);
  tw_wait_for_cluster();
}

// In software: the hardware's barrier is one of all nine harts.
void tw_barrier(void) {
  const uint32_t mine = turn;
  __asm__ volatile("csrr zero, fflags" ::: "memory");
  if (add(&arrived, 1) == job.cores - 1) {
    arrived = 0;
    turn = mine + 1;
  }
  while (turn == mine) {
  }
}

uint32_t tw_dma(void *to, const void *from, uint32_t size) {
  uint32_t id;
  __asm__ volatile(".insn r 0x2b, 0, 0, x0, %1, x0\n" // dmsrc
                   ".insn r 0x2b, 0, 1, x0, %2, x0\n" // dmdst
                   ".insn r 0x2b, 0, 2, %0, %3, x0\n" // dmcpyi
                   : "=r"(id)
                   : "r"(from), "r"(to), "r"(size)
                   : "memory");
  return id;
}

uint32_t tw_dma_2d(void *to, const void *from, uint32_t size, uint32_t lines, uint32_t to_stride,
                   uint32_t from_stride) {
  uint32_t id;
  __asm__ volatile(".insn r 0x2b, 0, 0, x0, %1, x0\n"
                   ".insn r 0x2b, 0, 1, x0, %2, x0\n"
                   ".insn r 0x2b, 0, 6, x0, %5, %6\n" // dmstr
                   ".insn r 0x2b, 0, 7, x0, %4, x0\n" // dmrep
                   ".insn r 0x2b, 0, 2, %0, %3, x2\n"
                   : "=&r"(id)
                   : "r"(from), "r"(to), "r"(size), "r"(lines), "r"(from_stride), "r"(to_stride)
                   : "memory");
  return id;
}

void tw_dma_wait(uint32_t transfer) {
  uint32_t completed;
  do {
    __asm__ volatile(".insn r 0x2b, 0, 4, %0, x0, x0\n" : "=r"(completed)::"memory"); // dmstati 0
  } while ((int32_t)(completed - transfer) < 0);
}

void tw_ita_wait(void) {
  while (*tw_ita(ITA_STATUS) != 0) {
  }
}
