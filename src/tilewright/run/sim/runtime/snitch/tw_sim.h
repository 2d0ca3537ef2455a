// A small runtime for a Snitch cluster: output, work on the compute cores, barriers, DMA, ITA,
// regions.
#ifndef TW_SIM_RUNTIME_H
#define TW_SIM_RUNTIME_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define TW_L1                                                                                      \
  __attribute__((section(".l1"))) // a variable in the TCDM; its content starts undefined

enum { TW_WORKERS = 8 };

// Prints to the simulator's standard output: %d %u %x %s %c %% with width, 0 and -.
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
// Ends the simulation with this exit code.
void tw_exit(int code) __attribute__((noreturn));

// On hart 8, which runs main: runs work(core, argument) on cores 0..cores-1, then returns. cores: 1
// to 8. The two halves let hart 8 drive the DMA or ITA meanwhile.
typedef void (*tw_work)(int core, void *argument);
void tw_run_on_cluster(int cores, tw_work work, void *argument);
void tw_start_on_cluster(int cores, tw_work work, void *argument);
void tw_wait_for_cluster(void);

// On a compute core: waits until all cores of tw_run_on_cluster are here.
void tw_barrier(void);
// This hart's number; the cycle counter.
static inline int tw_core(void) {
  uint32_t id;
  __asm__ volatile("csrr %0, mhartid" : "=r"(id));
  return (int)id;
}
static inline uint32_t tw_cycles(void) {
  uint32_t cycles;
  __asm__ volatile("csrr %0, 0xb00" : "=r"(cycles)::"memory");
  return cycles;
}

// On hart 8: starts a copy of `size` bytes between any two memories; tw_dma_wait ends it. The 2-D
// form moves `lines` lines that lie `from_stride` and `to_stride` bytes apart.
uint32_t tw_dma(void *to, const void *from, uint32_t size);
uint32_t tw_dma_2d(void *to, const void *from, uint32_t size, uint32_t lines, uint32_t to_stride,
                   uint32_t from_stride);
void tw_dma_wait(uint32_t transfer);

// On hart 8: a register of ITA by its byte offset; waits until it has no job left.
static inline volatile uint32_t *tw_ita(uint32_t offset) {
  return (volatile uint32_t *)(0x10040000u + offset);
}
void tw_ita_wait(void);

// Marks a region, 0 to 63, for the simulator's counters and timeline; a no-op elsewhere.
// The numbers are constants: TW_REGION_BEGIN(3); ... TW_REGION_END(3);
#define TW_REGION_BEGIN(region) __asm__ volatile("lui zero, %0" ::"i"(2 * (region) + 1) : "memory")
#define TW_REGION_END(region) __asm__ volatile("lui zero, %0" ::"i"(2 * (region) + 2) : "memory")

#endif
