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

/// The next four channels and more of 3x3 windows, up to the first four of which one is rare.
/// `is_wide` and `is_symmetric` must be constants.
DSP_INLINE void depthwise_s8_dsp_next_3x3(depthwise_s8_dsp_pixels *pixels, int32_t is_wide,
                                          int32_t is_symmetric) {
#if DSP_ASSEMBLY
  register depthwise_s8_dsp_pixels *p __asm__("lr") = pixels;
  __asm__ volatile(
      "ldrd r0, r1, [lr]; ldrd r2, r8, [lr, #8]; ldrd r3, r7, [lr, #20]; strd lr, r3, [sp, "
      "#-8]!\n\t"
      "ldr lr, [lr, #16]\n"
      "1:; ldrd r3, r4, [r1], #8; ldrd r5, r6, [r1], #8\n\t" // the next four channels, r7 to go
      ".irp move, \"add r0, r0, r8\", \"add r0, r0, r8\", \"sub r0, r0, r8, lsl #1\"\n\t"
      ".irp column, \"[r0]\", \"[r0, r2]\", \"[r0, r2, lsl #1]\"\n\t"
      "ldr r9, \\column\n\t"
      ".if %c1; ldrd r12, r10, [r1], #8\n\t"
      ".else; ldr r10, [r1], #4; sxtb16 r12, r10; sxtb16 r10, r10, ror #8; .endif\n\t"
      "sxtb16 r11, r9; smlabb r3, r11, r12, r3; smlatt r5, r11, r12, r5\n\t"
      "sxtb16 r9, r9, ror #8; smlabb r4, r9, r10, r4; smlatt r6, r9, r10, r6\n\t"
      ".endr; \\move; .endr\n\t"
      ".macro dw_finish one, two, rare\n\t" // multipliers r9 and r10, what comes after r12 and r11
      "ldm r1!, {r9, r10, r11}; sbfx r12, r11, #0, #15; asrs r11, r11, #16; \\rare\n\t"
      ".if %c2\n\t"
      "smmlar \\one, \\one, r9, \\one; smmlar \\two, \\two, r10, \\two; ldr r9, [sp, #4]\n\t"
      "adds \\one, \\one, \\one, asr #31; asrs \\one, \\one, r12; adc \\one, \\one, r9\n\t"
      "adds \\two, \\two, \\two, asr #31; asrs \\two, \\two, r11; adc \\two, \\two, r9\n\t"
      "ssat \\one, #8, \\one; ssat \\two, #8, \\two\n\t"
      ".else\n\t"
      "smmla \\one, \\one, r9, r12; ssat \\one, #8, \\one, asr #2\n\t"
      "smmla \\two, \\two, r10, r11; ssat \\two, #8, \\two, asr #2\n\t"
      ".endif; strb \\one, [lr], #1; strb \\two, [lr], #1; .endm\n\t"
      "dw_finish r3, r4, \"bcs 2f\"; dw_finish r5, r6; .purgem dw_finish\n\t"
      "add r0, r0, #4; subs r7, r7, #1; bne 1b\n\t"
      "ldr r12, [sp]; ldrd r9, r10, [r12, #44]; cmp r9, #0; beq 5f; cmp r10, #0; bne 3f\n\t"
      "add r0, r0, r9; sub r0, r0, #4; str lr, [r12, #48]; add lr, r12, #52; mov r7, #1; b 1b\n"
      "3:; sub r11, lr, r9\n"
      "4:; ldrb r7, [r11], #1; strb r7, [r10], #1; subs r9, r9, #1; bne 4b\n\t"
      "mov lr, r10; str r9, [r12, #48]\n"
      "5:; ldr r9, [r12, #28]; subs r9, r9, #1; str r9, [r12, #28]; beq 6f\n\t"
      "ldrd r9, r1, [r12, #32]; add r0, r0, r9; ldr r7, [r12, #40]; b 1b\n"
      "2:; sub r1, r1, #64 + 36 * %c1; ldr r12, [sp]\n"
      "6:; add sp, sp, #8; strd r0, r1, [r12]; str lr, [r12, #16]; str r7, [r12, #24]"
      : "+r"(p)
      : "i"(is_wide), "i"(is_symmetric)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cc",
        "memory");
#else
  (void)pixels;
  (void)is_wide;
  (void)is_symmetric;
#endif
}
