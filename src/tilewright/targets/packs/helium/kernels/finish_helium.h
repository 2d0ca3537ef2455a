/// From the accumulators of two pixels to int8: [channels][2] int32, as dot_helium.h leaves them.
#pragma once

#include "helium_rescale.h"

/// What the assembly works on, in the order of the registers that LDM fills.
typedef struct {
  int32_t *acc;              // r0: [4 * groups][2]; start from the bias again
  const int32_t *bias;       // r1
  const int32_t *multiplier; // r2
  const int8_t *shift;       // r3
  int8_t *y0, *y1;           // r4, r5
  int32_t zero;              // r6
  int32_t groups;            // r8: of four channels
  int32_t low, high;         // r9, r10
} helium_finish_job;

/// HELIUM_UP: 21 instructions for 8 outputs.
static inline void helium_finish_up(const helium_finish_job *job) {
  __asm__ volatile("ldm %0, {r0-r6, r8-r10}\n\t"
                   "vdup.32 q6, r9\n\t"
                   "vdup.32 q7, r10\n\t"
                   "dls lr, r8\n"
                   "1:\n\t"
                   "vld20.32 {q0, q1}, [r0]\n\t"
                   "vld21.32 {q0, q1}, [r0]\n\t"
                   "vldrw.u32 q2, [r1], #16\n\t"
                   "vldrw.u32 q4, [r2], #16\n\t"
                   "vmov q3, q2\n\t"
                   "vqrdmulh.s32 q0, q0, q4\n\t"
                   "vst20.32 {q2, q3}, [r0]\n\t"
                   "vqrdmulh.s32 q1, q1, q4\n\t"
                   "vldrb.s32 q5, [r3], #4\n\t"
                   "vrshl.s32 q0, q0, q5\n\t"
                   "vst21.32 {q2, q3}, [r0]!\n\t"
                   "vrshl.s32 q1, q1, q5\n\t"
                   "vadd.i32 q0, q0, r6\n\t"
                   "vadd.i32 q1, q1, r6\n\t"
                   "vmax.s32 q0, q0, q6\n\t"
                   "vmax.s32 q1, q1, q6\n\t"
                   "vmin.s32 q0, q0, q7\n\t"
                   "vmin.s32 q1, q1, q7\n\t"
                   "vstrb.32 q0, [r4], #4\n\t"
                   "vstrb.32 q1, [r5], #4\n\t"
                   "le lr, 1b"
                   :
                   : "r"(job)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "lr", "q0", "q1",
                     "q2", "q3", "q4", "q5", "q6", "q7", "memory");
}

/// HELIUM_SIGNED: one is taken off negative numbers before the rounding shift.
static inline void helium_finish_signed(const helium_finish_job *job) {
  __asm__ volatile("ldm %0, {r0-r6, r8-r10}\n\t"
                   "vdup.32 q6, r9\n\t"
                   "vdup.32 q7, r10\n\t"
                   "dls lr, r8\n"
                   "1:\n\t"
                   "vld20.32 {q0, q1}, [r0]\n\t"
                   "vld21.32 {q0, q1}, [r0]\n\t"
                   "vldrw.u32 q2, [r1], #16\n\t"
                   "vldrw.u32 q4, [r2], #16\n\t"
                   "vmov q3, q2\n\t"
                   "vqrdmulh.s32 q0, q0, q4\n\t"
                   "vst20.32 {q2, q3}, [r0]\n\t"
                   "vqrdmulh.s32 q1, q1, q4\n\t"
                   "vst21.32 {q2, q3}, [r0]!\n\t"
                   "vldrb.s32 q5, [r3], #4\n\t"
                   "vand q2, q0, q5\n\t"
                   "vand q3, q1, q5\n\t"
                   "vshr.s32 q2, q2, #31\n\t"
                   "vshr.s32 q3, q3, #31\n\t"
                   "vadd.i32 q0, q0, q2\n\t"
                   "vadd.i32 q1, q1, q3\n\t"
                   "vrshl.s32 q0, q0, q5\n\t"
                   "vrshl.s32 q1, q1, q5\n\t"
                   "vadd.i32 q0, q0, r6\n\t"
                   "vadd.i32 q1, q1, r6\n\t"
                   "vmax.s32 q0, q0, q6\n\t"
                   "vmax.s32 q1, q1, q6\n\t"
                   "vmin.s32 q0, q0, q7\n\t"
                   "vmin.s32 q1, q1, q7\n\t"
                   "vstrb.32 q0, [r4], #4\n\t"
                   "vstrb.32 q1, [r5], #4\n\t"
                   "le lr, 1b"
                   :
                   : "r"(job)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "lr", "q0", "q1",
                     "q2", "q3", "q4", "q5", "q6", "q7", "memory");
}

/// Accumulators of two pixels start from the bias.
static inline void helium_start(const int32_t *bias_of, int32_t channels, int32_t *acc) {
  for (int32_t c = 0; c < channels; c += 4, acc += 8) {
    const int32x4_t bias = vldrwq_s32(bias_of + c);
    const int32x4x2_t both = {{bias, bias}};
    vst2q_s32(acc, both);
  }
}

/// Channels from c on, in plain intrinsics. `how` must be a constant.
__attribute__((always_inline)) static inline void helium_finish_rest(const helium_finish_job *job,
                                                                     int32_t c, int32_t channels,
                                                                     helium_rescaling how) {
  const int32x4_t low = vdupq_n_s32(job->low), high = vdupq_n_s32(job->high);
  for (; c < channels; c += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
    const int32x4_t bias = vldrwq_s32(job->bias + c);
    const int32x4_t multiplier = vldrwq_s32(job->multiplier + c);
    const int32x4_t shift = vldrbq_s32(job->shift + c);
    int32_t *acc = job->acc + 2 * c;
    int8_t *y = job->y0 + c;
    for (int32_t i = 0; i < 2; i++, acc++, y = job->y1 + c) {
      const uint32x4_t every_second = vidupq_n_u32(0, 8);
      const int32x4_t sum = vldrwq_gather_offset_s32(acc, every_second);
      const int32x4_t scaled = vaddq_n_s32(helium_rescale(sum, multiplier, shift, how), job->zero);
      vstrwq_scatter_offset_s32(acc, every_second, bias);
      vstrbq_p_s32(y, vminq_s32(vmaxq_s32(scaled, low), high), lanes);
    }
  }
}
