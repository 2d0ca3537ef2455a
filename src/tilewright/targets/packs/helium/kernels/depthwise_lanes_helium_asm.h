/// Depthwise convolution with sixteen output elements in the lanes of vectors: from elements and
/// weights to int8.
#pragma once

#include <stdint.h>

#include "helium_rescale.h"

/// Vectors of one set. What assembly reads first is in the order of the registers that LDM fills.
typedef struct {
  const int8_t *top, *middle, *bottom; // r1 to r3: rows of a 3x3 window
  int32_t step, back;                  // r4, r5: bytes from column to column, and to the next top
  const int32_t *table;                // r6: shifts, biases, multipliers, weights of the set
  int8_t *y;                           // r8
  int32_t y_step;                      // r9: bytes from vector to vector
  int32_t zero;                        // r10: zero point of the output
  int32_t count;                       // r11, > 0: of vectors
  int32_t x, x_step;                   // bytes from the row's first window, and to the next vector
  int32_t how;                         // helium_rescaling
  uint32_t lanes;                      // that are written
  const int8_t *const *taps;           // [2 * pairs]: where the row's first window has its elements
  int32_t pairs;                       // > 0; not read where windows are 3x3
  int8_t low[16], high[16];            // clip range of the output
  int32_t sums[16];                    // of the last vector, where `how` is none of the fast ways
} depthwise_lanes_job;

/// Sums start from the bias.
#define DEPTHWISE_LANES_START                                                                      \
  "vldrw.u32 q0, [r6, #16]; vldrw.u32 q1, [r6, #32]\n\t"                                           \
  "vldrw.u32 q2, [r6, #48]; vldrw.u32 q3, [r6, #64]\n\t"

/// Sixteen elements in q4, weights in q5: their products to q6 and q7.
#define DEPTHWISE_LANES_FIRST "vmullb.s8 q6, q4, q5; vmullt.s8 q7, q4, q5\n\t"

/// lanes_second x: products with the elements at x join those; registers are short of one.
#define DEPTHWISE_LANES_SECOND                                                                     \
  ".macro lanes_second x\n\t"                                                                      \
  "vldrb.8 q4, [\\x]; vmullb.s8 q4, q4, q5; vadd.i16 q6, q6, q4\n\t"                               \
  "vldrb.8 q4, [\\x]; vmullt.s8 q4, q4, q5; vadd.i16 q7, q7, q4\n\t"                               \
  ".endm\n\t"

/// int16 lanes of q6 and q7 to all sums.
#define DEPTHWISE_LANES_WIDEN                                                                      \
  "vmovlb.s16 q4, q6; vadd.i32 q0, q0, q4\n\t"                                                     \
  "vmovlt.s16 q6, q6; vadd.i32 q1, q1, q6\n\t"                                                     \
  "vmovlb.s16 q4, q7; vadd.i32 q2, q2, q4\n\t"                                                     \
  "vmovlt.s16 q7, q7; vadd.i32 q3, q3, q7\n\t"

/// Sums to int8, by r12 as helium_rescaling says, or to job->sums; ends behind label 4. Narrowing
/// saturates, which changes nothing that the clip range keeps.
#define DEPTHWISE_LANES_FINISH                                                                     \
  "cmp r12, %[fast]; bne 6f\n\t"                                                                   \
  ".set lanes_at, 0\n\t"                                                                           \
  ".irp sum, q0, q1, q2, q3\n\t"                                                                   \
  "vldrw.u32 q4, [r6, #80 + 16 * lanes_at]; vldrb.s32 q5, [r6, #4 * lanes_at]\n\t"                 \
  ".if %c[is_even]\n\t"                                                                            \
  "vmul.i32 q6, \\sum, q4; vmulh.s32 \\sum, \\sum, q4; vclz.i32 q6, q6; vshr.s32 q6, q6, #5\n\t"   \
  "vshl.s32 q7, \\sum, q5; vbic q6, q6, q7; vsub.i32 \\sum, \\sum, q6\n\t"                         \
  ".else; vqrdmulh.s32 \\sum, \\sum, q4; .endif\n\t"                                               \
  "vrshl.s32 \\sum, \\sum, q5\n\t"                                                                 \
  ".set lanes_at, lanes_at + 1; .endr\n"                                                           \
  "5:\n\t"                                                                                         \
  "vqmovnb.s32 q0, q0; vqmovnt.s32 q0, q1; vqmovnb.s32 q2, q2; vqmovnt.s32 q2, q3\n\t"             \
  "vqadd.s16 q0, q0, r10; vqadd.s16 q2, q2, r10; vqmovnb.s16 q0, q0; vqmovnt.s16 q0, q2\n\t"       \
  "vldrw.u32 q4, [r0, #64]; vmax.s8 q0, q0, q4; vldrw.u32 q4, [r0, #80]; vmin.s8 q0, q0, q4\n\t"   \
  "vpst; vstrbt.8 q0, [r8]\n"                                                                      \
  "4:\n\t"

/// The other ways, behind the loop over vectors.
#define DEPTHWISE_LANES_OTHERS                                                                     \
  "b 7f\n"                                                                                         \
  "6:\n\t"                                                                                         \
  ".if !%c[is_even]\n\t"                                                                           \
  "cmp r12, %[next]; bne 8f\n\t"                                                                   \
  ".set lanes_at, 0\n\t"                                                                           \
  ".irp sum, q0, q1, q2, q3\n\t"                                                                   \
  "vldrw.u32 q4, [r6, #80 + 16 * lanes_at]; vldrb.s32 q5, [r6, #4 * lanes_at]\n\t"                 \
  "vqrdmulh.s32 \\sum, \\sum, q4; vand q6, \\sum, q5; vshr.s32 q6, q6, #31\n\t"                    \
  "vadd.i32 \\sum, \\sum, q6; vrshl.s32 \\sum, \\sum, q5\n\t"                                      \
  ".set lanes_at, lanes_at + 1; .endr\n\t"                                                         \
  "b 5b\n"                                                                                         \
  "8:\n\t"                                                                                         \
  ".endif\n\t"                                                                                     \
  "vstrw.32 q0, [r0, #96]; vstrw.32 q1, [r0, #112]\n\t"                                            \
  "vstrw.32 q2, [r0, #128]; vstrw.32 q3, [r0, #144]; b 4b\n"                                       \
  "7:\n\t"

/// Any window. `is_even`, a constant: whether the rounding is half even.
__attribute__((always_inline)) static inline void depthwise_lanes_any(depthwise_lanes_job *job,
                                                                      int32_t is_even) {
  register depthwise_lanes_job *at __asm__("r0") = job;
  __asm__ volatile( // clang-format off
      DEPTHWISE_LANES_SECOND
      "ldrd r12, r1, [r0, #48]; vctp.8 r1\n\t"
      "ldm r0, {r1-r6, r8-r11}\n\t"
      "ldr r3, [r0, #40]\n"
      "1:\n\t"
      "ldrd r1, lr, [r0, #56]; add r2, r6, #144\n\t"
      DEPTHWISE_LANES_START
      "dls lr, lr\n"
      "2:\n\t"
      "ldrd r4, r5, [r1], #8; add r4, r3; add r5, r3\n\t"
      "vldrb.8 q4, [r4]; vldrb.8 q5, [r2], #16\n\t"
      DEPTHWISE_LANES_FIRST
      "vldrb.8 q5, [r2], #16\n\t"
      "lanes_second r5\n\t"
      DEPTHWISE_LANES_WIDEN
      "le lr, 2b\n\t"
      DEPTHWISE_LANES_FINISH
      "ldr r4, [r0, #44]; add r3, r4; add r8, r9\n\t"
      "subs r11, #1; bne 1b\n\t"
      DEPTHWISE_LANES_OTHERS
      ".purgem lanes_second" // clang-format on
      : "+r"(at)
      : [is_even] "i"(is_even), [fast] "i"(is_even ? HELIUM_EVEN : HELIUM_UP),
        [next] "i"(HELIUM_SIGNED)
      : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2",
        "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// 3x3 windows.
__attribute__((always_inline)) static inline void depthwise_lanes_nine(depthwise_lanes_job *job,
                                                                       int32_t is_even) {
  register depthwise_lanes_job *at __asm__("r0") = job;
  __asm__ volatile( // clang-format off
      DEPTHWISE_LANES_SECOND
      "ldrd r12, r1, [r0, #48]; vctp.8 r1\n\t"
      "ldm r0, {r1-r6, r8-r11}\n\t"
      "dls lr, r11\n"
      "1:\n\t"
      DEPTHWISE_LANES_START
      "vldrb.8 q4, [r1]; vldrw.u32 q5, [r6, #144]\n\t"
      DEPTHWISE_LANES_FIRST
      "vldrw.u32 q5, [r6, #160]; lanes_second r2\n\t"
      DEPTHWISE_LANES_WIDEN
      "add r1, r4; add r2, r4\n\t"
      "vldrb.8 q4, [r3]; vldrw.u32 q5, [r6, #176]\n\t"
      DEPTHWISE_LANES_FIRST
      "vldrw.u32 q5, [r6, #192]; lanes_second r1\n\t"
      DEPTHWISE_LANES_WIDEN
      "add r3, r4; add r1, r4\n\t"
      "vldrb.8 q4, [r2]; vldrw.u32 q5, [r6, #208]\n\t"
      DEPTHWISE_LANES_FIRST
      "vldrw.u32 q5, [r6, #224]; lanes_second r3\n\t"
      DEPTHWISE_LANES_WIDEN
      "add r2, r4; add r3, r4\n\t"
      "vldrb.8 q4, [r1]; vldrw.u32 q5, [r6, #240]\n\t"
      DEPTHWISE_LANES_FIRST
      "vldrw.u32 q5, [r6, #256]; lanes_second r2\n\t"
      DEPTHWISE_LANES_WIDEN
      "vldrb.8 q4, [r3]; vldrw.u32 q5, [r6, #272]\n\t"
      DEPTHWISE_LANES_FIRST
      DEPTHWISE_LANES_WIDEN
      DEPTHWISE_LANES_FINISH
      "add r1, r5; add r2, r5; add r3, r5; add r8, r9\n\t"
      "le lr, 1b\n\t"
      DEPTHWISE_LANES_OTHERS
      ".purgem lanes_second" // clang-format on
      : "+r"(at)
      : [is_even] "i"(is_even), [fast] "i"(is_even ? HELIUM_EVEN : HELIUM_UP),
        [next] "i"(HELIUM_SIGNED)
      : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2",
        "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}
