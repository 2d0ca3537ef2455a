/// Dot products of int8 rows: every weight row against two input rows.
///
/// Weights lie in the order in which they are read, as pack in weights.py makes them: three rows
/// at a time, of which 16 elements each alternate, then the remaining rows one by one. Rows are
/// padded to a multiple of 16 elements.
///
/// Three by two accumulators fill the even core registers that VMLADAVA can add to: 96 products
/// need 5 loads, 6 VMLADAVA and one LETP.
#pragma once

#include "tilewright.h"

/// All weight rows against two input rows, in the order of the registers that LDM fills.
typedef struct {
  const int8_t *x0; // r1: [length]
  const int8_t *x1; // r3: [length]
  const int8_t *w;  // r5
  int32_t length;   // r7, > 0
  int32_t *acc;     // r9: [3 * groups + rest][2], added to
  int32_t span;     // r11: length rounded up to a multiple of 16
  int32_t groups;   // r12: of three weight rows
  int32_t rest;     // weight rows that follow them
} helium_dot_job;

/// acc[row][0] += w[row] . x0 and acc[row][1] += w[row] . x1. r7 is kept by hand because compilers
/// may use it as frame pointer.
__attribute__((noinline, unused)) static void helium_dot_pair(const helium_dot_job *job) {
  register const helium_dot_job *at __asm__("r0") = job;
  __asm__ volatile("ldr r1, [%0, #28]; push {r1, r7}\n\t"
                   "ldm %0, {r1, r3, r5, r7, r9, r11, r12}\n\t"
                   "cmp r12, #0; beq 3f\n"
                   "1:\n\t"
                   "ldm r9, {r0, r2, r4, r6, r8, r10}\n\t"
                   "dlstp.8 lr, r7\n"
                   "2:\n\t"
                   "vldrb.8 q0, [r1], #16\n\t"
                   "vldrb.8 q2, [r5], #16\n\t"
                   "vmladava.s8 r0, q0, q2\n\t"
                   "vldrb.8 q1, [r3], #16\n\t"
                   "vmladava.s8 r2, q1, q2\n\t"
                   "vldrb.8 q3, [r5], #16\n\t"
                   "vmladava.s8 r4, q0, q3\n\t"
                   "vldrb.8 q2, [r5], #16\n\t"
                   "vmladava.s8 r6, q1, q3\n\t"
                   "vmladava.s8 r8, q0, q2\n\t"
                   "vmladava.s8 r10, q1, q2\n\t"
                   "letp lr, 2b\n\t"
                   "subs r12, #1; sub r1, r11; sub r3, r11\n\t"
                   "stmia r9!, {r0, r2, r4, r6, r8, r10}\n\t"
                   "bne 1b\n"
                   "3:\n\t"
                   "ldr r12, [sp]\n\t"
                   "cmp r12, #0; beq 6f\n"
                   "4:\n\t"
                   "ldm r9, {r0, r2}\n\t"
                   "dlstp.8 lr, r7\n"
                   "5:\n\t"
                   "vldrb.8 q0, [r1], #16\n\t"
                   "vldrb.8 q2, [r5], #16\n\t"
                   "vmladava.s8 r0, q0, q2\n\t"
                   "vldrb.8 q1, [r3], #16\n\t"
                   "vmladava.s8 r2, q1, q2\n\t"
                   "letp lr, 5b\n\t"
                   "subs r12, #1; sub r1, r11; sub r3, r11\n\t"
                   "stmia r9!, {r0, r2}\n\t"
                   "bne 4b\n"
                   "6:\n\t"
                   "pop {r1, r7}"
                   : "+r"(at)
                   :
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr",
                     "q0", "q1", "q2", "q3", "cc", "memory");
}
