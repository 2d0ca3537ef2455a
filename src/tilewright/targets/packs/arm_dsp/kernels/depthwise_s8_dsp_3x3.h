/// Depthwise convolution with the most frequent window, four channels at a time, from bias to
/// bytes.
#pragma once

#include "depthwise_s8_dsp.h"
#include "dsp_words.h"

/// Neighbouring pixels, as far as they are done. The assembly counts on the order of the members.
typedef struct {
  const int8_t *x;       // first element of the window, next channel
  const int32_t *block;  // of the next four channels
  int32_t channels, row; // bytes from one column of the window to the next, and from row to row
  int8_t *y;             // where the next channel goes
  int32_t zero;          // zero point of the output
  int32_t fours;         // times four channels of this pixel to go
  int32_t pixels;        // to go, this one included
  int32_t skip;          // bytes from the end of a window's channels to the next window
  const int32_t *first;  // block of every pixel
  int32_t all_fours;     // of every pixel
  int32_t odd;           // channels after the last whole four
  int8_t *parked;        // y of the odd channels while these are computed, else NULL
  int8_t last[4];        // where the last four channels go, of which the last `odd` are new
} depthwise_s8_dsp_pixels;

/// The next four channels and more of 3x3 windows, under the double rounding, up to the first four
/// of which one takes the long way. `is_wide` must be a constant.
DSP_INLINE void depthwise_s8_dsp_next_3x3(depthwise_s8_dsp_pixels *pixels, int32_t is_wide) {
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__OPTIMIZE__)
  register depthwise_s8_dsp_pixels *p __asm__("lr") = pixels;
  __asm__ volatile(
      "push {lr}; ldrd r0, r1, [lr]; ldrd r2, r8, [lr, #8]\n"
      "1:\n\t" // the next four channels: r3-r6
      "ldr r7, [r1, #68 + 36 * %c1]; tst r7, #0x80808080; bne 2f\n\t"
      "ldrd r3, r4, [r1], #8; ldrd r5, r6, [r1], #8\n\t"
      ".irp move, \"add r0, r0, r8\", \"add r0, r0, r8\", \"sub r0, r0, r8, lsl #1\"\n\t"
      ".irp column, \"[r0]\", \"[r0, r2]\", \"[r0, r2, lsl #1]\"\n\t"
      "ldr r9, \\column\n\t"
      ".if %c1\n\t"
      "ldrd r12, r10, [r1], #8\n\t"
      ".else\n\t"
      "ldr r10, [r1], #4; sxtb16 r12, r10; sxtb16 r10, r10, ror #8\n\t"
      ".endif\n\t"
      "sxtb16 r11, r9; smlabb r3, r11, r12, r3; smlatt r5, r11, r12, r5\n\t"
      "sxtb16 r9, r9, ror #8; smlabb r4, r9, r10, r4; smlatt r6, r9, r10, r6\n\t"
      ".endr\n\t"
      "\\move\n\t"
      ".endr\n\t"
      "ldr r12, [sp]; ldrd lr, r12, [r12, #16]\n\t" // y lr, zero r12, shifts r7
      "ldrd r9, r10, [r1], #8; smmlar r3, r3, r9, r3; adds r3, r3, r3, asr #31; asrs r3, r3, r7\n\t"
      "adc r3, r3, r12; ssat r3, #8, r3; strb r3, [lr], #1; lsr r7, r7, #8\n\t"
      "smmlar r4, r4, r10, r4; adds r4, r4, r4, asr #31; asrs r4, r4, r7\n\t"
      "adc r4, r4, r12; ssat r4, #8, r4; strb r4, [lr], #1; lsr r7, r7, #8\n\t"
      "ldrd r9, r10, [r1], #12\n\t"
      "smmlar r5, r5, r9, r5; adds r5, r5, r5, asr #31; asrs r5, r5, r7\n\t"
      "adc r5, r5, r12; ssat r5, #8, r5; strb r5, [lr], #1; lsr r7, r7, #8\n\t"
      "smmlar r6, r6, r10, r6; adds r6, r6, r6, asr #31; asrs r6, r6, r7\n\t"
      "adc r6, r6, r12; ssat r6, #8, r6; strb r6, [lr], #1; ldr r12, [sp]; str lr, [r12, #16]\n\t"
      "add r0, r0, #4; ldr r9, [r12, #24]; subs r9, r9, #1; str r9, [r12, #24]; bne 1b\n\t"
      "ldrd r9, r10, [r12, #44]; cmp r9, #0; beq 5f; cmp r10, #0; bne 3f\n\t"
      "add r0, r0, r9; sub r0, r0, #4; str lr, [r12, #48]\n\t"
      "add r10, r12, #52; str r10, [r12, #16]; mov r10, #1; str r10, [r12, #24]; b 1b\n"
      "3:; sub r11, lr, r9\n"
      "4:; ldrb r7, [r11], #1; strb r7, [r10], #1; subs r9, r9, #1; bne 4b\n\t"
      "str r10, [r12, #16]; str r9, [r12, #48]\n"
      "5:; ldr r9, [r12, #28]; subs r9, r9, #1; str r9, [r12, #28]; beq 2f\n\t"
      "ldrd r9, r1, [r12, #32]; add r0, r0, r9; ldr r9, [r12, #40]; str r9, [r12, #24]; b 1b\n"
      "2:; pop {lr}; strd r0, r1, [lr]"
      : "+r"(p)
      : "i"(is_wide)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cc",
        "memory");
#else
  (void)pixels;
  (void)is_wide;
#endif
}
