/// Windows of one vector, from dot products to int8 without a detour through memory.
#pragma once

#include <stdint.h>

/// What each register holds; y is in a low one, as a narrowing store wants it.
typedef struct {
  const int8_t *x[4];        // r1, r3, r5, r8: window of the first pixel in each channel
  int8_t *y;                 // r7
  int32_t step;              // r9: bytes from window to window
  int32_t pixels;            // r10, > 0
  const int8_t *w;           // r11: [4][taps]
  int32_t taps;              // at most 16
  const uint8_t *index;      // [16]: where each element finds its weight
  const int32_t *multiplier; // [4]
  const int8_t *shift;       // [4]
  int32_t zero;              // zero point of the output
  int32_t next;              // bytes from pixel to pixel in y
  int32_t channels;          // of the four, that there are; more means all
  int32_t bias[4];
  int32_t low[4], high[4]; // clip range of the output, four times
} depthwise_helium_fused_job;

/// HELIUM_UP, or HELIUM_SIGNED where `is_signed`, a constant: 26 or 29 instructions for four
/// outputs. r7 is kept by hand because compilers may use it as frame pointer.
__attribute__((always_inline)) static inline void
depthwise_helium_fused(const depthwise_helium_fused_job *job, int32_t is_signed) {
  register const depthwise_helium_fused_job *at __asm__("r0") = job;
  __asm__ volatile("push {r7}\n\t"
                   "ldrd r2, r4, [r0, #32]; ldrd r12, r6, [r0, #40]\n\t"
                   "ldm r0, {r1, r3, r5}; ldrd r8, r7, [r0, #12]\n\t"
                   "ldrd r9, r10, [r0, #20]; ldr r11, [r0, #28]\n\t"
                   "vldrw.u32 q4, [r12]; vldrb.s32 q5, [r6]\n\t"
                   "vctp.8 r2; vldrb.8 q7, [r4]\n\t"
                   "vpst; vldrbt.u8 q0, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q1, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q2, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q3, [r11, q7]\n\t"
                   "ldr r12, [r0, #56]; vctp.32 r12\n\t"
                   "dls lr, r10\n\t"
                   "ldrd r10, r11, [r0, #48]\n\t"
                   "add r12, r0, #60\n"
                   "1:\n\t"
                   "ldm r12, {r0, r2, r4, r6}\n\t"
                   "vldrb.8 q6, [r1]; vmladava.s8 r0, q6, q0; add r1, r9\n\t"
                   "vldrb.8 q7, [r3]; vmladava.s8 r2, q7, q1; add r3, r9\n\t"
                   "vldrb.8 q6, [r5]; vmladava.s8 r4, q6, q2; add r5, r9\n\t"
                   "vldrb.8 q7, [r8]; vmladava.s8 r6, q7, q3; add r8, r9\n\t"
                   "vmov q7[2], q7[0], r0, r4; vmov q7[3], q7[1], r2, r6\n\t"
                   "vqrdmulh.s32 q7, q7, q4\n\t"
                   ".if %c[is_signed]; vand q6, q7, q5; vshr.s32 q6, q6, #31\n\t"
                   "vadd.i32 q7, q7, q6; .endif\n\t"
                   "vrshl.s32 q7, q7, q5\n\t"
                   "vadd.i32 q7, q7, r10\n\t"
                   "vldrw.u32 q6, [r12, #16]; vmax.s32 q7, q7, q6\n\t"
                   "vldrw.u32 q6, [r12, #32]; vmin.s32 q7, q7, q6\n\t"
                   "vpst; vstrbt.32 q7, [r7]\n\t"
                   "add r7, r11\n\t"
                   "le lr, 1b\n\t"
                   "pop {r7}"
                   : "+r"(at)
                   : [is_signed] "i"(is_signed)
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr",
                     "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// All pixels of a job.
typedef void depthwise_helium_fuse(const depthwise_helium_fused_job *job);
