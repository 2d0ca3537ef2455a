/// Matrix times vector: four weight rows at a time against one input row.
#pragma once

#include "dense_helium.h"
#include "helium_rescale.h"
#include "row_sum_helium.h"

enum { DENSE_BLOCK = 8 }; // groups of four channels whose sums wait for requantisation

/// What the assembly works on, in the order of the registers that LDM fills.
typedef struct {
  const int8_t *x;     // r1: [length]
  const int8_t *w;     // r3: [groups][length / 16, rounded up][4][16]
  const int32_t *bias; // r5: [groups][4]
  int32_t length;      // r7, > 0
  int32_t *acc;        // r8: [groups][4], written
  int32_t span;        // r9: length rounded up to a multiple of 16
  int32_t groups;      // r10, > 0
} dense_helium_job;

/// acc = bias + dot products: 64 products need 5 loads, 4 VMLADAVA and one LETP. r7 is kept by hand
/// because compilers may use it as frame pointer.
static inline void dense_helium_dot(const dense_helium_job *job) {
  __asm__ volatile("push {r7}\n\t"
                   "ldm %0, {r1, r3, r5, r7-r10}\n"
                   "1:\n\t"
                   "ldm r5!, {r0, r2, r4, r6}\n\t"
                   "dlstp.8 lr, r7\n"
                   "2:\n\t"
                   "vldrb.8 q0, [r1], #16\n\t"
                   "vldrb.8 q1, [r3], #16\n\t"
                   "vmladava.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r3], #16\n\t"
                   "vmladava.s8 r2, q0, q2\n\t"
                   "vldrb.8 q3, [r3], #16\n\t"
                   "vmladava.s8 r4, q0, q3\n\t"
                   "vldrb.8 q1, [r3], #16\n\t"
                   "vmladava.s8 r6, q0, q1\n\t"
                   "letp lr, 2b\n\t"
                   "subs r10, #1\n\t"
                   "sub r1, r9\n\t"
                   "stmia r8!, {r0, r2, r4, r6}\n\t"
                   "bne 1b\n\t"
                   "pop {r7}"
                   :
                   : "r"(job)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "lr", "q0", "q1",
                     "q2", "q3", "cc", "memory");
}

/// Channels from c on, at most four; acc holds their sums. `how` must be a constant.
__attribute__((always_inline)) static inline void dense_helium_store(const dense_helium_args *a,
                                                                     int32_t c, const int32_t *acc,
                                                                     int8_t *y,
                                                                     helium_rescaling how) {
  const int32_t at = c / 4 * a->table_step;
  const int32x4_t scaled = helium_rescale(vldrwq_s32(acc), vldrwq_s32(a->multiplier + at),
                                          vldrbq_s32(a->shift + at), how);
  const int32x4_t clipped = vminq_s32(
      vmaxq_s32(vaddq_n_s32(scaled, a->y_zero), vdupq_n_s32(a->low)), vdupq_n_s32(a->high));
  vstrbq_p_s32(y + c, clipped, vctp32q((uint32_t)(a->out_c - c)));
}

/// Channels [c, stop) of the row y; acc holds their sums.
typedef void dense_helium_finish(const dense_helium_args *a, int32_t c, int32_t stop,
                                 const int32_t *acc, int8_t *y);

static inline void dense_helium_core(const dense_helium_args *a, tw_work work,
                                     dense_helium_finish *finish) {
  const int32_t groups = (a->out_c + 3) / 4, span = (a->in_c + 15) & ~15;
  int32_t acc[4 * DENSE_BLOCK];
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t w_zero = a->w_zero;
    const int32_t shift = w_zero ? -w_zero * helium_row_sum(a->x + row * a->in_c, a->in_c) : 0;
    for (int32_t first = 0; first < groups; first += DENSE_BLOCK) {
      const int32_t count = tw_min(DENSE_BLOCK, groups - first);
      const dense_helium_job job = {a->x + row * a->in_c,
                                    a->w + 4 * first * span,
                                    a->bias + 4 * first,
                                    a->in_c,
                                    acc,
                                    span,
                                    count};
      dense_helium_dot(&job);
      for (int32_t i = 0; w_zero && i < 4 * count; i += 4) {
        vstrwq_s32(acc + i, vaddq_n_s32(vldrwq_s32(acc + i), shift));
      }
      finish(a, 4 * first, 4 * (first + count), acc, a->y + row * a->out_c);
    }
  }
}
