/// What a program on a cluster may rely on besides the network: output and the end.
#pragma once

#include <stdint.h>

/// Ends the simulation with this exit code.
void tw_exit(int32_t code) __attribute__((noreturn));
/// Prints to the standard output of the simulator.
void tw_say(const char *text);
/// The cycle counter of the calling core.
static inline uint32_t tw_cycles(void) {
  uint32_t cycles;
  __asm__ volatile("csrr %0, 0xb00" : "=r"(cycles)::"memory");
  return cycles;
}
