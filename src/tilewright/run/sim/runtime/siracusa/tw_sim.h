// A small runtime for Siracusa: output, the cluster, barriers, DMA, N-EUREKA, regions.
#ifndef TW_SIM_RUNTIME_H
#define TW_SIM_RUNTIME_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define TW_L1 __attribute__((section(".l1"))) // a variable in L1; its content starts undefined

enum { TW_WORKERS = 8 };

// Prints to the simulator's standard output: %d %u %x %s %c %% with width, 0 and -.
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
// Ends the simulation with this exit code.
void tw_exit(int code) __attribute__((noreturn));

// On the fabric controller: runs work(core, argument) on cores 0..cores-1 of the cluster, then
// returns. cores: 1 to 8.
typedef void (*tw_work)(int core, void *argument);
void tw_run_on_cluster(int cores, tw_work work, void *argument);

// On a cluster core: waits until all cores of tw_run_on_cluster are here.
void tw_barrier(void);
// This core's number; the cycle counter of its clock.
static inline int tw_core(void) {
  uint32_t id;
  __asm__ volatile("csrr %0, mhartid" : "=r"(id));
  return (int)(id & 31);
}
static inline uint32_t tw_cycles(void) {
  uint32_t cycles;
  __asm__ volatile("csrr %0, 0xb00" : "=r"(cycles)::"memory");
  return cycles;
}

// On a cluster core: starts a copy between L1 and L2 or weight memory; tw_dma_wait ends it.
// size: bytes, up to 131071. The 2-D form moves lines of `line` bytes that lie `stride` bytes
// apart outside L1 and one after the other in L1.
uint32_t tw_dma_to_l1(void *l1, const void *from, uint32_t size);
uint32_t tw_dma_from_l1(void *to, const void *l1, uint32_t size);
uint32_t tw_dma_to_l1_2d(void *l1, const void *from, uint32_t size, uint32_t line, uint32_t stride);
uint32_t tw_dma_from_l1_2d(void *to, const void *l1, uint32_t size, uint32_t line, uint32_t stride);
void tw_dma_wait(uint32_t transfer);

// On a cluster core: the 24 job registers of N-EUREKA; start commits them, wait ends the job.
enum { TW_NEUREKA_REGISTERS = 24 };
void tw_neureka_start(const uint32_t job[TW_NEUREKA_REGISTERS]);
void tw_neureka_wait(void);

// Marks a region, 0 to 63, for the simulator's counters and timeline; a no-op elsewhere.
// The numbers are constants: TW_REGION_BEGIN(3); ... TW_REGION_END(3);
#define TW_REGION_BEGIN(region) __asm__ volatile("lui zero, %0" ::"i"(2 * (region) + 1) : "memory")
#define TW_REGION_END(region) __asm__ volatile("lui zero, %0" ::"i"(2 * (region) + 2) : "memory")

#endif
