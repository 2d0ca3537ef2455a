/// From rows of int8 to rows of int16 pairs: elements 0 and 2 of every four, then 1 and 3.
#pragma once

#include "dsp_words.h"
#include "tw_arithmetic.h"

/// One word of one of `rows` interleaved rows. Returns where the row goes on.
static inline uint32_t *dsp_widen_word(uint32_t word, uint32_t *wide, int32_t rows) {
  wide[0] = dsp_even(word);
  wide[rows] = dsp_odd(word);
  return wide + 2 * rows;
}

/// The last 1 to 3 bytes of a row, and zeros.
static inline uint32_t dsp_last_word(const int8_t *x, int32_t count) {
  uint32_t word = 0;
  for (x += count; count > 0; count--) {
    word = word << 8 | (uint8_t)*--x;
  }
  return word;
}

/// Rows, and words of each.
typedef struct {
  int32_t rows, words;
} dsp_size;

/// One or more rows, `step` bytes apart, of one or more whole words, as one of `pitch` interleaved
/// rows. Returns where the row goes on.
static inline uint32_t *dsp_widen_rows(const int8_t *x, int32_t step, dsp_size size, uint32_t *wide,
                                       int32_t pitch) {
#if DSP_ASSEMBLY
  const int8_t *at;
  uint32_t even, odd;
  int32_t words;
  __asm__ volatile("1:; mov %[at], %[x]; mov %[words], %[all]\n"
                   "2:; ldr %[odd], [%[at]], #4; sxtb16 %[even], %[odd]; str %[even], [%[wide]]\n\t"
                   "sxtb16 %[odd], %[odd], ror #8; str %[odd], [%[wide], %[pitch], lsl #2]\n\t"
                   "add %[wide], %[wide], %[pitch], lsl #3; subs %[words], %[words], #1; bne 2b\n\t"
                   "add %[x], %[x], %[step]; subs %[rows], %[rows], #1; bne 1b"
                   : [x] "+r"(x), [wide] "+r"(wide), [rows] "+r"(size.rows), [at] "=&r"(at),
                     [even] "=&r"(even), [odd] "=&r"(odd), [words] "=&r"(words)
                   : [step] "r"(step), [pitch] "r"(pitch), [all] "r"(size.words)
                   : "cc", "memory");
#else
  for (; size.rows > 0; size.rows--, x += step) {
    for (int32_t i = 0; i < size.words; i++) {
      wide = dsp_widen_word(dsp_load(x + 4 * i), wide, pitch);
    }
  }
#endif
  return wide;
}

/// `length` bytes of one of `rows` interleaved rows, widened; a last part of four is filled up with
/// zeros. Returns where the row goes on.
static inline uint32_t *dsp_widen(const int8_t *x, int32_t length, uint32_t *wide, int32_t rows) {
  const int32_t words = length / 4, rest = length % 4;
  if (words > 0) {
    wide = dsp_widen_rows(x, 0, (dsp_size){1, words}, wide, rows);
  }
  return rest ? dsp_widen_word(dsp_last_word(x + 4 * words, rest), wide, rows) : wide;
}

/// Four rows of `length` bytes, a multiple of four, that lie one behind the other.
static inline void dsp_widen_four(const int8_t *x, int32_t length, uint32_t *wide) {
#if DSP_ASSEMBLY
  const int32_t third = 3 * length;
  int32_t words = length / 4;
  __asm__ volatile(
      "1:\n\t"
      "ldr r5, [%[x], %[pitch]]; ldr r6, [%[x], %[pitch], lsl #1]; ldr r8, [%[x], %[third]]\n\t"
      "ldr r4, [%[x]], #4; sxtb16 r9, r4; sxtb16 r10, r5; sxtb16 r11, r6; sxtb16 r12, r8\n\t"
      "stmia %[wide]!, {r9, r10, r11, r12}\n\t"
      "sxtb16 r9, r4, ror #8; sxtb16 r10, r5, ror #8; sxtb16 r11, r6, ror #8\n\t"
      "sxtb16 r12, r8, ror #8; stmia %[wide]!, {r9, r10, r11, r12}\n\t"
      "subs %[words], %[words], #1; bne 1b"
      : [x] "+r"(x), [wide] "+r"(wide), [words] "+l"(words)
      : [pitch] "r"(length), [third] "r"(third)
      : "cc", "memory", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12");
#else
  for (int32_t row = 0; row < 4; row++) {
    dsp_widen(x + row * length, length, wide + row, 4);
  }
#endif
}

/// How the sum of a row is appended to it; nothing is where there are no elements.
typedef struct {
  int32_t elements, times;
} dsp_tally;

/// Appends the sum of a row to it, for weights with a zero point, which makes `quads` fours of it:
/// `elements` > 0, a multiple of four, of int16 that together make the sum, or `times` as much.
/// They meet weights that are minus the zero point, or a `times`th of it; matrix.py has seen to it
/// that they suffice.
static inline void dsp_append_sum(uint32_t *wide, int32_t rows, int32_t quads, dsp_tally tally) {
  int32_t sum = 0;
  for (int32_t i = 2 * quads - tally.elements / 2; i > 0; i--, wide += rows) {
    sum = dsp_both(*wide, 0x00010001, sum);
  }
  sum *= tally.times;
  for (; tally.elements > 0; tally.elements -= 2, wide += rows) {
    const int32_t one = tw_clip(sum, INT16_MIN, INT16_MAX);
    const int32_t two = tw_clip(sum - one, INT16_MIN, INT16_MAX);
    *wide = (uint16_t)one | (uint32_t)two << 16;
    sum -= one + two;
  }
}

/// Sum of `length` bytes.
static inline int32_t dsp_sum_row(const int8_t *x, int32_t length) {
  int32_t sum = 0;
  for (; length >= 4; length -= 4, x += 4) {
    const uint32_t word = dsp_load(x);
    sum = dsp_both(dsp_even(word), 0x00010001, sum);
    sum = dsp_both(dsp_odd(word), 0x00010001, sum);
  }
  for (; length > 0; length--) {
    sum += *x++;
  }
  return sum;
}
