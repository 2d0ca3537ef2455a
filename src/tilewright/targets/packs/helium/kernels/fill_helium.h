/// Filling memory.
#pragma once

#include <stdint.h>

/// to[0 .. bytes) = value, 16 bytes at a time.
static inline void helium_fill(int8_t *to, int32_t value, int32_t bytes) {
  __asm__ volatile("vdup.8 q0, %[value]\n\t"
                   "wlstp.8 lr, %[bytes], 2f\n"
                   "1:\n\t"
                   "vstrb.8 q0, [%[to]], #16\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [to] "+r"(to)
                   : [value] "r"(value), [bytes] "r"(bytes)
                   : "lr", "q0", "memory");
}
