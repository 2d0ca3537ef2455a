/// Clips runs of int8.
#pragma once

#include <stdint.h>

/// Bytes become at least `low` and at most `high`.
static inline void helium_clip(int8_t *y, int32_t bytes, int32_t low, int32_t high) {
  __asm__ volatile("vdup.8 q1, %[low]; vdup.8 q2, %[high]; wlstp.8 lr, %[bytes], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[y]]; vmax.s8 q0, q0, q1; vmin.s8 q0, q0, q2\n\t"
                   "vstrb.8 q0, [%[y]], #16\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [y] "+r"(y)
                   : [bytes] "r"(bytes), [low] "r"(low), [high] "r"(high)
                   : "lr", "q0", "q1", "q2", "memory");
}
