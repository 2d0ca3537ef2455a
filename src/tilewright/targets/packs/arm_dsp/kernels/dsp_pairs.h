/// Four rows times pairs of channels, from bias to bytes: the loop that convolutions spend their
/// time in. See dsp_products.h.
#pragma once

#include "dsp_finish.h"
#include "dsp_words.h"

enum {
  DSP_ROWS = 4,       // rows that share one pass over the weights
  DSP_TABLE_WORDS = 5 // of a pair, besides its weights; see pairs.py
};

/// What four rows and pairs of channels need. The assembly counts on the order of the members.
typedef struct {
  const uint32_t *x;   // the rows
  uint32_t is_odd;     // whether a row has an odd number of fours
  int8_t *y;           // where the next pair goes
  int32_t pitch;       // bytes from one row of output to the next
  const int32_t *pair; // the next
  const uint32_t *end; // of the rows
  const int32_t *stop; // behind the last pair
  int32_t zero;        // zero point
  int32_t sums[8];     // of a rare pair: four rows of its first channel, then of its second
} dsp_pairs;

/// Output of four rows, pair after pair, up to the first that is rare: `y` has moved by two for
/// each. Of the rare one, the sums. While products are summed, eight registers hold accumulators
/// and six what they are made of: all else waits in memory. `is_symmetric` must be a constant.
DSP_INLINE void dsp_multiply_pairs(dsp_pairs *pairs, int32_t is_symmetric) {
#if DSP_ASSEMBLY
  register dsp_pairs *p __asm__("r0") = pairs;
  __asm__ volatile(
      "ldrd r10, r12, [r0, #16]; strd r0, r12, [sp, #-8]!\n"
      "3:; ldrd r1, r5, [r10], #8; ldrd r9, r0, [r0]\n\t" // the next two channels: r1-r4, r5-r8
      "mov r2, r1; mov r3, r1; mov r4, r1; mov r6, r5; mov r7, r5; mov r8, r5; cbnz r0, 2f\n\t"
      ".irp entry, 1, 2\n"
      "\\entry:; .rept 2\n\t"
      "ldr r11, [r10], #4; ldrd r0, lr, [r9], #8; sxtb16 r12, r11, ror #8; sxtb16 r11, r11\n\t"
      "smlad r1, r0, r11, r1; smlad r2, lr, r11, r2\n\t"
      "smlad r5, r0, r12, r5; smlad r6, lr, r12, r6; ldrd r0, lr, [r9], #8\n\t"
      "smlad r3, r0, r11, r3; smlad r4, lr, r11, r4\n\t"
      "smlad r7, r0, r12, r7; smlad r8, lr, r12, r8; .endr\n\t"
      ".endr; ldr r0, [sp, #4]; cmp r9, r0; bne 1b\n\t"
      // multipliers r9 and r11, what comes after lr and r12
      "ldr r0, [sp]; ldrd r9, r11, [r10], #8; ldr r12, [r10], #4\n\t"
      "sbfx lr, r12, #0, #15; asrs r12, r12, #16; bcs 5f\n\t"
      ".if %c1\n\t"
      "ldr r0, [r0, #28]\n\t"
      ".irp acc, r1, r2, r3, r4\n\t"
      "smmlar \\acc, \\acc, r9, \\acc; adds \\acc, \\acc, \\acc, asr #31\n\t"
      "asrs \\acc, \\acc, lr; adc \\acc, \\acc, r0; ssat \\acc, #8, \\acc; .endr\n\t"
      ".irp acc, r5, r6, r7, r8\n\t"
      "smmlar \\acc, \\acc, r11, \\acc; adds \\acc, \\acc, \\acc, asr #31\n\t"
      "asrs \\acc, \\acc, r12; adc \\acc, \\acc, r0; ssat \\acc, #8, \\acc; .endr\n\t"
      "ldr r0, [sp]\n\t"
      ".else\n\t"
      ".irp acc, r1, r2, r3, r4; smmla \\acc, \\acc, r9, lr; .endr\n\t"
      ".irp acc, r5, r6, r7, r8; smmla \\acc, \\acc, r11, r12; .endr\n\t"
      ".irp acc, r1, r2, r3, r4, r5, r6, r7, r8; ssat \\acc, #8, \\acc, asr #2; .endr\n\t"
      ".endif; ldrd r9, r12, [r0, #8]; strb r1, [r9]; strb r2, [r9, r12]\n\t"
      "strb r3, [r9, r12, lsl #1]; add r1, r12, r12, lsl #1; strb r4, [r9, r1]\n\t"
      "strb r5, [r9, #1]!; strb r6, [r9, r12]; strb r7, [r9, r12, lsl #1]; strb r8, [r9, r1]\n\t"
      "adds r9, r9, #1; str r9, [r0, #8]; ldr r1, [r0, #24]; cmp r10, r1; bne 3b; b 4f\n"
      "5:; add r9, r0, #32; stm r9, {r1, r2, r3, r4, r5, r6, r7, r8}\n"
      "4:; add sp, sp, #8"
      : "+r"(p)
      : "i"(is_symmetric)
      : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
        "memory");
#else
  (void)pairs;
  (void)is_symmetric;
#endif
}

DSP_TILE static void dsp_multiply_pairs_straight(dsp_pairs *p) { dsp_multiply_pairs(p, 0); }
DSP_TILE static void dsp_multiply_pairs_symmetric(dsp_pairs *p) { dsp_multiply_pairs(p, 1); }

/// The same, in one place of the program; `way` must be a constant.
DSP_INLINE void dsp_multiply_next(dsp_pairs *p, dsp_way way) {
  if (way == DSP_DOUBLE) {
    dsp_multiply_pairs_symmetric(p);
  } else {
    dsp_multiply_pairs_straight(p);
  }
}
