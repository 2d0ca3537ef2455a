// Runs one call of a kernel, or one job, on core 0; the cycles that it takes from start to end.
#include "tw_sim.h"

enum { WORDS = 40 };

uint32_t bench_which = 1; // 0: a job; else a kernel
uint32_t bench_words[WORDS] = {1};
uint32_t bench_cycles;
void *bench_scratch = (void *)4;
TW_L1 uint8_t bench_memory[230000];
TW_L1 uint32_t bench_near[WORDS];

void bench_call(uint32_t which, const void *args, void *scratch);

static void work(int core, void *argument) {
  (void)core;
  (void)argument;
  for (int i = 0; i < WORDS; i++) {
    bench_near[i] = bench_words[i];
  }
  const uint32_t start = tw_cycles();
  if (bench_which == 0) {
    tw_neureka_start(bench_near);
  } else {
    bench_call(bench_which, bench_near, bench_scratch);
  }
  tw_neureka_wait();
  bench_cycles = tw_cycles() - start;
}

int main(void) {
  tw_run_on_cluster(1, work, 0);
  return 0;
}
