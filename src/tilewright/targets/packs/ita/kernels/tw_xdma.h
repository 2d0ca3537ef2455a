/// Commands of the DMA of a Snitch cluster: instructions of the core that runs the network.
#pragma once

#include <stdint.h>

/// Addresses of the next command; the upper half of both is zero.
static inline void tw_xdma_ends(const void *from, void *to) {
  __asm__ volatile(".insn r 0x2b, 0, 0, x0, %0, x0\n" // dmsrc
                   ".insn r 0x2b, 0, 1, x0, %1, x0\n" // dmdst
                   :
                   : "r"(from), "r"(to)
                   : "memory");
}

/// Starts a copy of `bytes`; its number.
static inline uint32_t tw_xdma_copy(int32_t bytes) {
  uint32_t number;
  __asm__ volatile(".insn r 0x2b, 0, 2, %0, %1, x0\n" // dmcpyi
                   : "=r"(number)
                   : "r"(bytes)
                   : "memory");
  return number;
}

/// The number of the last command that is over; numbers wrap around.
static inline uint32_t tw_xdma_done(void) {
  uint32_t over;
  __asm__ volatile(".insn r 0x2b, 0, 4, %0, x0, x0\n" : "=r"(over)::"memory"); // dmstati
  return over;
}
