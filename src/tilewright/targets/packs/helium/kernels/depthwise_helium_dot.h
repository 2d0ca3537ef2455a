/// Dot products of four channels with neighbouring windows: 16 products for a load, a load of
/// weights and a VMLADAVA.
#pragma once

#include <stdint.h>

/// The members up to `w` are in the order of the registers that LDM fills.
typedef struct {
  const int8_t *x[4]; // r1, r3, r5, r7: window of the first pixel in each channel
  int32_t *acc;       // r8: [pixels][4], written
  int32_t step;       // r9: bytes from window to window
  int32_t pixels;     // r10, > 0
  const int8_t *w;    // r11: [vectors][4][16]; if there is one vector, [4][taps]
  int32_t vectors;
  int32_t taps;
  const uint8_t *index; // [16]: where each element finds its weight, if there is one vector
} depthwise_helium_job;

/// One vector for each channel: weights are gathered into registers and stay there. r7 is kept by
/// hand because compilers may use it as frame pointer.
static inline void depthwise_helium_dot_1(const depthwise_helium_job *job) {
  __asm__ volatile("push {r7}\n\t"
                   "ldrd r2, r4, [%0, #36]\n\t"
                   "ldm %0, {r1, r3, r5, r7-r11}\n\t"
                   "vctp.8 r2; vldrb.8 q7, [r4]\n\t"
                   "vpst; vldrbt.u8 q0, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q1, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q2, [r11, q7]; add r11, r2\n\t"
                   "vpst; vldrbt.u8 q3, [r11, q7]\n\t"
                   "dls lr, r10\n"
                   "1:\n\t"
                   "vldrb.8 q4, [r1]; vmladav.s8 r0, q4, q0; add r1, r9\n\t"
                   "vldrb.8 q5, [r3]; vmladav.s8 r2, q5, q1; add r3, r9\n\t"
                   "vldrb.8 q6, [r5]; vmladav.s8 r4, q6, q2; add r5, r9\n\t"
                   "vldrb.8 q7, [r7]; vmladav.s8 r6, q7, q3; add r7, r9\n\t"
                   "vmov q4[2], q4[0], r0, r4; vmov q4[3], q4[1], r2, r6\n\t"
                   "vstrw.32 q4, [r8], #16\n\t"
                   "le lr, 1b\n\t"
                   "pop {r7}"
                   :
                   : "r"(job)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "lr", "q0",
                     "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// `more` + 1 vectors for each channel; `more` is a constant.
__attribute__((always_inline)) static inline void
depthwise_helium_dot_few(const depthwise_helium_job *job, int32_t more) {
  register const depthwise_helium_job *at __asm__("r0") = job;
  __asm__ volatile("push {r7}\n\t"
                   "ldm r0, {r1, r3, r5, r7-r11}\n\t"
                   "sub r9, #(16 * %c[more] + 16)\n\t"
                   "dls lr, r10\n"
                   "1:\n\t"
                   "mov r12, r11\n\t"
                   "vldrb.8 q0, [r1], #16; vldrb.8 q1, [r12], #16; vmladav.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r3], #16; vldrb.8 q3, [r12], #16; vmladav.s8 r2, q2, q3\n\t"
                   "vldrb.8 q4, [r5], #16; vldrb.8 q5, [r12], #16; vmladav.s8 r4, q4, q5\n\t"
                   "vldrb.8 q6, [r7], #16; vldrb.8 q7, [r12], #16; vmladav.s8 r6, q6, q7\n\t"
                   ".rept %c[more]\n\t"
                   "vldrb.8 q0, [r1], #16; vldrb.8 q1, [r12], #16; vmladava.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r3], #16; vldrb.8 q3, [r12], #16; vmladava.s8 r2, q2, q3\n\t"
                   "vldrb.8 q4, [r5], #16; vldrb.8 q5, [r12], #16; vmladava.s8 r4, q4, q5\n\t"
                   "vldrb.8 q6, [r7], #16; vldrb.8 q7, [r12], #16; vmladava.s8 r6, q6, q7\n\t"
                   ".endr\n\t"
                   "add r1, r9; add r3, r9; add r5, r9; add r7, r9\n\t"
                   "vmov q4[2], q4[0], r0, r4; vmov q4[3], q4[1], r2, r6\n\t"
                   "vstrw.32 q4, [r8], #16\n\t"
                   "le lr, 1b\n\t"
                   "pop {r7}"
                   : "+r"(at)
                   : [more] "i"(more)
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr",
                     "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// Any number of vectors. `is_shared`, a constant: all four channels read x[0].
__attribute__((always_inline)) static inline void
depthwise_helium_dot_many(const depthwise_helium_job *job, int32_t is_shared) {
  register const depthwise_helium_job *at __asm__("r0") = job;
  __asm__ volatile("ldr r12, [r0, #32]; push {r7, r12}\n\t"
                   "ldm r0, {r1, r3, r5, r7-r11}\n\t"
                   "sub r9, r9, r12, lsl #4\n"
                   "2:\n\t"
                   "ldr lr, [sp, #4]\n\t"
                   "mov r12, r11\n\t"
                   "movs r0, #0; movs r2, #0; movs r4, #0; movs r6, #0\n\t"
                   "dls lr, lr\n"
                   "1:\n\t"
                   ".if %c[is_shared]\n\t"
                   "vldrb.8 q0, [r1], #16; vldrb.8 q1, [r12], #16; vmladava.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r12], #16; vmladava.s8 r2, q0, q2\n\t"
                   "vldrb.8 q3, [r12], #16; vmladava.s8 r4, q0, q3\n\t"
                   "vldrb.8 q4, [r12], #16; vmladava.s8 r6, q0, q4\n\t"
                   ".else\n\t"
                   "vldrb.8 q0, [r1], #16; vldrb.8 q1, [r12], #16; vmladava.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r3], #16; vldrb.8 q3, [r12], #16; vmladava.s8 r2, q2, q3\n\t"
                   "vldrb.8 q4, [r5], #16; vldrb.8 q5, [r12], #16; vmladava.s8 r4, q4, q5\n\t"
                   "vldrb.8 q6, [r7], #16; vldrb.8 q7, [r12], #16; vmladava.s8 r6, q6, q7\n\t"
                   ".endif\n\t"
                   "le lr, 1b\n\t"
                   "add r1, r9\n\t"
                   ".if !%c[is_shared]; add r3, r9; add r5, r9; add r7, r9; .endif\n\t"
                   "vmov q4[2], q4[0], r0, r4; vmov q4[3], q4[1], r2, r6\n\t"
                   "vstrw.32 q4, [r8], #16\n\t"
                   "subs r10, #1; bne 2b\n\t"
                   "pop {r7, r12}"
                   : "+r"(at)
                   : [is_shared] "i"(is_shared)
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr",
                     "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// is_shared  all four channels read x[0]
static inline void depthwise_helium_dot(const depthwise_helium_job *job, int32_t is_shared) {
  if (job->vectors == 1) {
    depthwise_helium_dot_1(job);
  } else if (job->vectors == 2) {
    depthwise_helium_dot_few(job, 1);
  } else if (is_shared) {
    depthwise_helium_dot_many(job, 1);
  } else if (job->vectors == 4) {
    depthwise_helium_dot_few(job, 3);
  } else {
    depthwise_helium_dot_many(job, 0);
  }
}
