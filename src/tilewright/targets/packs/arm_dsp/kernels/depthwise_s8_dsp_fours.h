/// Depthwise convolution, four channels at a time, from bias to bytes.
#pragma once

#include "depthwise_s8_dsp.h"
#include "dsp_finish.h"
#include "dsp_words.h"

/// Neighbouring pixels, as far as they are done. The assembly counts on the order of the members.
typedef struct {
  const int8_t *x;      // first element of the window, next channel
  const int32_t *block; // of the next four channels
  int32_t step, row;    // bytes from one column of the window to the next, and from row to row
  int8_t *y;            // where the next channel goes
  int32_t zero;         // zero point of the output
  int32_t fours;        // times four channels of this pixel to go
  int32_t pixels;       // to go, this one included
  int32_t skip;         // bytes from the end of a window's channels to the next window
  const int32_t *first; // block of every pixel
  int32_t all_fours;    // of every pixel
  int32_t odd;          // channels after the last whole four
  int8_t *parked;       // y of the odd channels while these are computed, else NULL
  int8_t last[4];       // where the last four channels go, of which the last `odd` are new
  int32_t sums[4];      // of the four channels that are rare, whose block has been passed
  int32_t taps, rows;   // columns and rows of the window
  int32_t back;         // bytes from where a window's next four channels lie to behind its rows
} depthwise_s8_dsp_pixels;

/// What the assembly is made for: the double rounding below the zero point, windows of three rows
/// and columns, and how far on these the next four channels lie.
typedef struct {
  int32_t is_symmetric, is_3x3, move;
} depthwise_s8_dsp_form;

/// The sums of the next four channels, in C.
static inline void depthwise_s8_dsp_sum_fours(depthwise_s8_dsp_pixels *pixels, int32_t is_wide) {
  const int32_t *w = pixels->block + 4;
  const int8_t *row = pixels->x;
  memcpy(pixels->sums, pixels->block, sizeof pixels->sums);
  for (int32_t ky = 0; ky < pixels->rows; ky++, row += pixels->row) {
    const int8_t *x = row;
    for (int32_t kx = 0; kx < pixels->taps; kx++, x += pixels->step, w += 1 + is_wide) {
      const uint32_t four = dsp_load(x);
      const uint32_t even = is_wide ? (uint32_t)w[0] : dsp_even((uint32_t)w[0]);
      const uint32_t odd = is_wide ? (uint32_t)w[1] : dsp_odd((uint32_t)w[0]);
      pixels->sums[0] = dsp_first(dsp_even(four), even, pixels->sums[0]);
      pixels->sums[1] = dsp_first(dsp_odd(four), odd, pixels->sums[1]);
      pixels->sums[2] = dsp_second(dsp_even(four), even, pixels->sums[2]);
      pixels->sums[3] = dsp_second(dsp_odd(four), odd, pixels->sums[3]);
    }
  }
  pixels->x = row - pixels->back;
  pixels->block = w + 2 * DSP_TAIL_WORDS;
}

/// The next four channels and more, up to the first four of which one is rare: of these, the sums.
/// Three rows of three taps each have no loops of their own: the next four channels lie `move`
/// bytes further, which is what `back` says of other windows. In the assembly r7 counts fours of
/// channels, or pairs of taps while lr counts rows; finishing has two multipliers in r9 and r10,
/// and what comes after in r12 and r11. `is_wide` and `how` must be constants.
DSP_INLINE void depthwise_s8_dsp_next_fours(depthwise_s8_dsp_pixels *pixels, int32_t is_wide,
                                            depthwise_s8_dsp_form how) {
#if DSP_ASSEMBLY
  register depthwise_s8_dsp_pixels *p __asm__("lr") = pixels;
  __asm__ volatile(
      ".macro dw_tap column; ldr r9, \\column\n\t.if %c1; ldrd r12, r10, [r1], #8\n\t"
      ".else; ldr r10, [r1], #4; sxtb16 r12, r10; sxtb16 r10, r10, ror #8; .endif\n\t"
      "sxtb16 r11, r9; smlabb r3, r11, r12, r3; smlatt r5, r11, r12, r5\n\t"
      "sxtb16 r9, r9, ror #8; smlabb r4, r9, r10, r4; smlatt r6, r9, r10, r6; .endm\n\t"
      "sub sp, sp, #24; ldrd r0, r1, [lr]; ldrd r2, r8, [lr, #8]; ldrd r3, r7, [lr, #20]\n\t"
      "strd lr, r3, [sp]\n\t"
      ".if !%c3; ldrd r9, r10, [lr, #72]; strd r9, r10, [sp, #16]; mls r8, r9, r2, r8; .endif\n\t"
      "ldr lr, [lr, #16]\n1:; ldrd r3, r4, [r1], #8; ldrd r5, r6, [r1], #8\n\t.if %c3\n\t"
      ".irp move, \"add r0, r0, r8\", \"add r0, r0, r8\", \"sub r0, r0, r8, lsl #1\"\n\t"
      "dw_tap \"[r0]\"; dw_tap \"[r0, r2]\"; dw_tap \"[r0, r2, lsl #1]\"; \\move; .endr; add r0, "
      "r0, %4\n\t.else; strd r7, lr, [sp, #8]; ldr lr, [sp, #20]\n"
      "7:; ldr r7, [sp, #16]; lsrs r7, r7, #1; bcc 8f\n\t"
      "dw_tap \"[r0]\"; add r0, r0, r2; cbz r7, 9f\n"
      "8:; dw_tap \"[r0]\"; dw_tap \"[r0, r2]\"; add r0, r0, r2, lsl #1; subs r7, r7, #1; bne 8b\n"
      "9:; add r0, r0, r8; subs lr, lr, #1; bne 7b\n\t"
      "ldr r12, [sp]; ldrd r7, lr, [sp, #8]; ldr r9, [r12, #80]; sub r0, r0, r9; .endif\n\t"
      ".macro dw_finish one, two, rare\n\t"
      "ldm r1!, {r9, r10, r11}; sbfx r12, r11, #0, #15; asrs r11, r11, #16; \\rare\n\t.if %c2\n\t"
      "smmlar \\one, \\one, r9, \\one; smmlar \\two, \\two, r10, \\two; ldr r9, [sp, #4]\n\t"
      "adds \\one, \\one, \\one, asr #31; asrs \\one, \\one, r12; adc \\one, \\one, r9\n\t"
      "adds \\two, \\two, \\two, asr #31; asrs \\two, \\two, r11; adc \\two, \\two, r9\n\t"
      "ssat \\one, #8, \\one; ssat \\two, #8, \\two\n\t.else\n\t"
      "smmla \\one, \\one, r9, r12; ssat \\one, #8, \\one, asr #2\n\t"
      "smmla \\two, \\two, r10, r11; ssat \\two, #8, \\two, asr #2\n\t"
      ".endif; strb \\one, [lr], #1; strb \\two, [lr], #1; .endm\n\t"
      "dw_finish r3, r4, \"bcs 2f\"; dw_finish r5, r6; .purgem dw_finish; .purgem dw_tap\n\t"
      "subs r7, r7, #1; bne 1b\n\t"
      "ldr r12, [sp]; ldrd r9, r10, [r12, #44]; cmp r9, #0; beq 5f; cmp r10, #0; bne 3f\n\t"
      "add r0, r0, r9; sub r0, r0, #4; str lr, [r12, #48]; add lr, r12, #52; mov r7, #1; b 1b\n"
      "3:; sub r11, lr, r9\n4:; ldrb r7, [r11], #1; strb r7, [r10], #1; subs r9, r9, #1; bne 4b\n\t"
      "mov lr, r10; str r9, [r12, #48]\n"
      "5:; ldr r9, [r12, #28]; subs r9, r9, #1; str r9, [r12, #28]; beq 6f\n\t"
      "ldrd r9, r1, [r12, #32]; add r0, r0, r9; ldr r7, [r12, #40]; b 1b\n"
      "2:; add r1, r1, #12; ldr r12, [sp]; add r9, r12, #56; stm r9, {r3, r4, r5, r6}\n"
      "6:; add sp, sp, #24; strd r0, r1, [r12]; str lr, [r12, #16]; str r7, [r12, #24]"
      : "+r"(p)
      : "i"(is_wide), "i"(how.is_symmetric), "i"(how.is_3x3), "i"(how.move)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cc",
        "memory");
#else
  (void)how;
  depthwise_s8_dsp_sum_fours(pixels, is_wide);
#endif
}
