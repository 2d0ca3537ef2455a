/// Four rows times pairs of channels, from bias to bytes, under the double rounding: the loop that
/// convolutions spend their time in. See dsp_products.h.
#pragma once

#include "dsp_tiles.h"

/// What four rows and pairs of channels need. The assembly counts on the order of the members.
typedef struct {
  const uint32_t *x, *end;   // the rows
  const int32_t *w;          // of the next pair
  uint32_t is_odd;           // whether a row has an odd number of fours
  const int32_t *bias;       // of the next pair
  const int32_t *multiplier; // of the next pair
  int32_t zero, pitch;       // zero point; bytes from one row of output to the next
  int8_t *y;                 // where the next pair goes
  uint32_t shifts;           // of this pair, one byte each
  const int8_t *shift;       // of the next pair
  int32_t pairs;             // to go
  int32_t step, other_step;  // words from a pair's weights to the next's, in turn
} dsp_pairs;

/// Goes on to the weights of the next pair.
static inline void dsp_next_weights(dsp_pairs *p) {
  const int32_t step = p->step;
  p->w += step;
  p->step = p->other_step;
  p->other_step = step;
}

/// Output of four rows, pair after pair, up to the first that takes the long way. While products
/// are summed, eight registers hold accumulators and six what they are made of: all else waits in
/// memory.
#if DSP_ASSEMBLY
static inline void dsp_multiply_pairs(dsp_pairs *pairs) {
  register dsp_pairs *p __asm__("r0") = pairs;
  __asm__ volatile(
      "ldr r12, [r0, #4]; strd r0, r12, [sp, #-8]!\n"
      "3:\n\t" // the next pair of channels: r1-r4 and r5-r8
      "ldr r12, [r0, #40]; ldrh r11, [r12], #2; tst r11, #0x80808080; bne 4f\n\t"
      "strd r11, r12, [r0, #36]\n\t"
      "ldr r12, [r0, #16]; ldrd r1, r5, [r12], #8; str r12, [r0, #16]\n\t"
      "ldr r9, [r0]; ldrd r10, r11, [r0, #8]\n\t"
      "mov r2, r1; mov r3, r1; mov r4, r1; mov r6, r5; mov r7, r5; mov r8, r5\n\t"
      "cmp r11, #0; bne 2f\n\t"
      ".irp entry, 1, 2\n"
      "\\entry:\n\t"
      ".irp step, 4, 12\n\t"
      "ldr r11, [r10], #\\step; ldrd r0, lr, [r9], #8\n\t"
      "sxtb16 r12, r11, ror #8; sxtb16 r11, r11\n\t"
      "smlad r1, r0, r11, r1; smlad r2, lr, r11, r2\n\t"
      "smlad r5, r0, r12, r5; smlad r6, lr, r12, r6\n\t"
      "ldrd r0, lr, [r9], #8\n\t"
      "smlad r3, r0, r11, r3; smlad r4, lr, r11, r4\n\t"
      "smlad r7, r0, r12, r7; smlad r8, lr, r12, r8\n\t"
      ".endr\n\t"
      ".endr\n\t"
      "ldr r0, [sp, #4]; cmp r9, r0; bne 1b\n\t"
      "ldr r0, [sp]; ldr r11, [r0, #44]; sub r11, r11, #1; str r11, [r0, #44]\n\t"
      "ldr r10, [r0, #8]; ldrd r11, r12, [r0, #48]; strd r12, r11, [r0, #48]\n\t"
      "add r10, r10, r11, lsl #2; str r10, [r0, #8]\n\t"
      // multipliers r9 and r10, zero r11, pitch r12, y r0, shifts lr
      "ldr r11, [r0, #20]; ldrd r9, r10, [r11], #8; str r11, [r0, #20]\n\t"
      "ldrd r11, r12, [r0, #24]; ldrd r0, lr, [r0, #32]\n\t"
      ".irp acc, r1, r2, r3, r4\n\t"
      "smmlar \\acc, \\acc, r9, \\acc; adds \\acc, \\acc, \\acc, asr #31\n\t"
      "asrs \\acc, \\acc, lr; adc \\acc, \\acc, r11; ssat \\acc, #8, \\acc\n\t"
      ".endr\n\t"
      "strb r1, [r0]; strb r2, [r0, r12]; strb r3, [r0, r12, lsl #1]\n\t"
      "add r1, r12, r12, lsl #1; strb r4, [r0, r1]; add r0, r0, #1; lsr lr, lr, #8\n\t"
      ".irp acc, r5, r6, r7, r8\n\t"
      "smmlar \\acc, \\acc, r10, \\acc; adds \\acc, \\acc, \\acc, asr #31\n\t"
      "asrs \\acc, \\acc, lr; adc \\acc, \\acc, r11; ssat \\acc, #8, \\acc\n\t"
      ".endr\n\t"
      "strb r5, [r0]; strb r6, [r0, r12]; strb r7, [r0, r12, lsl #1]; strb r8, [r0, r1]\n\t"
      "add r1, r0, #1; ldr r0, [sp]; str r1, [r0, #32]; ldr r1, [r0, #44]; cmp r1, #0; bne 3b\n"
      "4:\n\t"
      "add sp, sp, #8"
      : "+r"(p)
      :
      : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
        "memory");
}
#else
static inline void dsp_multiply_pairs(dsp_pairs *pairs) {
  while (pairs->pairs > 0 && (pairs->shift[0] | pairs->shift[1]) >= 0) {
    const int32_t one = *pairs->bias++, two = *pairs->bias++, pitch = pairs->pitch;
    dsp_four a = {one, one, one, one}, b = {two, two, two, two};
    dsp_four_by_two(pairs->x, pairs->end, pairs->w, &a, &b);
    pairs->pairs--;
    dsp_next_weights(pairs);
    for (int32_t channel = 0; channel < 2; channel++) {
      const dsp_scale scale = {*pairs->multiplier++, *pairs->shift++, pairs->zero};
      dsp_finish_rows(channel ? b : a, scale, pairs->y++, pitch, TW_ROUND_DOUBLE);
    }
  }
}
#endif
