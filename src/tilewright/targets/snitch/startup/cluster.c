/// The cluster from reset on: where cores wait for work, how a program prints and ends.
#include "cluster.h"
#include "ita_feed.h"
#include "tw_parallel.h"

enum { MASTER = 8, HOST_WRITE = 64, STANDARD_OUTPUT = 1 };

__attribute__((section(".l1"))) tw_phase tw_next_phase;
__attribute__((section(".l1"))) ita_queue tw_ita_queue;

/// The host's mailboxes: it looks at the first whenever a core stores to it.
extern volatile uint32_t tohost[2], fromhost[2];

int main(void);
void tw_cluster_entry(int32_t core);

void tw_exit(int32_t code) {
  __asm__ volatile("fence" ::: "memory");
  tohost[0] = (uint32_t)code << 1 | 1;
  for (;;) {
  }
}

void tw_say(const char *text) {
  static volatile uint64_t call[8] __attribute__((aligned(64)));
  uint32_t size = 0;
  while (text[size] != '\0') {
    size++;
  }
  call[0] = HOST_WRITE;
  call[1] = STANDARD_OUTPUT;
  call[2] = (uint32_t)text;
  call[3] = size;
  __asm__ volatile("fence" ::: "memory");
  tohost[0] = (uint32_t)call;
  while (fromhost[0] == 0) {
  }
  fromhost[0] = 0;
}

/// On every core.
void tw_cluster_entry(int32_t core) {
  if (core == MASTER) {
    ita_reset();
    tw_exit(main());
  }
  for (;;) {
    tw_meet();
    tw_do_share(&tw_next_phase, core);
    tw_next_phase.is_done[core] = 1;
    tw_meet();
  }
}
