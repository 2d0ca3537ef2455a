/// Products of one or four rows of int8 inputs with an int8 matrix: what convolutions spend their
/// time in.
///
/// Rows are widened once, to words of two int16, elements 0 and 2 of every four, then 1 and 3. The
/// weights were permuted when the network was compiled (pairs.py), so that one SXTB16 each way
/// makes a word of one channel's weights out of a word of two channels'. Four rows times two
/// channels take 13 instructions for 16 products: one load of weights, two of inputs, two widenings
/// and eight SMLAD; that is as much as fits into 14 registers.
#pragma once

#include "dsp_pairs.h"
#include "dsp_widen.h"

/// A matrix and what follows it.
typedef struct {
  const int32_t *pairs; // [ceil(channels / 2)][2 * quads + DSP_TABLE_WORDS], see pairs.py
  int32_t quads;        // fours of elements in a row, > 0
  int32_t channels;     // of the output
  int32_t zero;         // zero point of the output
  int32_t pitch;        // bytes from one row of output to the next
} dsp_product;

static inline int32_t dsp_pair_words(const dsp_product *m) {
  return 2 * m->quads + DSP_TABLE_WORDS;
}

/// The sums of a pair of channels over a lone row: twelve instructions for eight products.
static inline void dsp_sum_lone(const int32_t *w, const uint32_t *x, int32_t quads, int32_t *one,
                                int32_t *two) {
#if DSP_ASSEMBLY
  int32_t a = *one, b = *two;
  uint32_t first, second, even, odd, wide;
  __asm__ volatile("1:; ldrd %[first], %[second], [%[w]], #8; ldrd %[even], %[odd], [%[x]], #8\n\t"
                   "sxtb16 %[wide], %[first]; smlad %[a], %[even], %[wide], %[a]\n\t"
                   "sxtb16 %[wide], %[first], ror #8; smlad %[b], %[even], %[wide], %[b]\n\t"
                   "sxtb16 %[wide], %[second]; smlad %[a], %[odd], %[wide], %[a]\n\t"
                   "sxtb16 %[wide], %[second], ror #8; smlad %[b], %[odd], %[wide], %[b]\n\t"
                   "subs %[quads], %[quads], #1; bne 1b"
                   : [w] "+r"(w), [x] "+r"(x), [quads] "+r"(quads), [a] "+r"(a), [b] "+r"(b),
                     [first] "=&r"(first), [second] "=&r"(second), [even] "=&r"(even),
                     [odd] "=&r"(odd), [wide] "=&r"(wide)
                   :
                   : "cc", "memory");
  *one = a;
  *two = b;
#else
  for (; quads > 0; quads--, w += 2, x += 2) {
    const uint32_t first = (uint32_t)w[0], second = (uint32_t)w[1];
    *one = dsp_both(x[1], dsp_even(second), dsp_both(x[0], dsp_even(first), *one));
    *two = dsp_both(x[1], dsp_odd(second), dsp_both(x[0], dsp_odd(first), *two));
  }
#endif
}

/// Channels c and c + 1, as far as there are so many, of one of `rows` interleaved rows.
static inline void dsp_multiply_pair(const dsp_product *m, const uint32_t *x, int32_t rows,
                                     int32_t c, int8_t *y, dsp_way way) {
  const int32_t *w = m->pairs + c / 2 * dsp_pair_words(m);
  int32_t one = *w++, two = *w++;
  const int32_t *const end = w + 2 * m->quads;
  if (rows == 1) {
    dsp_sum_lone(w, x, m->quads, &one, &two);
    w = end;
  }
  for (; w < end; w += 2, x += 2 * rows) {
    const uint32_t first = (uint32_t)w[0], second = (uint32_t)w[1];
    one = dsp_both(x[rows], dsp_even(second), dsp_both(x[0], dsp_even(first), one));
    two = dsp_both(x[rows], dsp_odd(second), dsp_both(x[0], dsp_odd(first), two));
  }
  y[c] = dsp_finish(one, w, 0, m->zero, way);
  if (c + 1 < m->channels) {
    y[c + 1] = dsp_finish(two, w, 1, m->zero, way);
  }
}

/// Some channels, from an even one on, of each of `rows` interleaved rows.
DSP_TILE static void dsp_multiply_slowly(const dsp_product *m, const uint32_t *x, int32_t rows,
                                         tw_span channels, int8_t *y, dsp_way way) {
  for (int32_t row = 0; row < rows; row++, y += m->pitch) {
    for (int32_t c = channels.start; c < channels.stop; c += 2) {
      dsp_multiply_pair(m, x + row, rows, c, y, way);
    }
  }
}

/// What stays the same for all rows; `x` has four.
static inline dsp_pairs dsp_first_pairs(const dsp_product *m, const uint32_t *x) {
  const uint32_t *const end = x + 2 * DSP_ROWS * m->quads;
  return (dsp_pairs){x, (uint32_t)m->quads & 1, NULL, 0, NULL, end, NULL, m->zero, {0}};
}

/// One or two channels of four rows, whose sums are those of a rare pair.
DSP_TILE static void dsp_write_rarely(const dsp_pairs *p, const int32_t *tail, int32_t channels,
                                      int8_t *y, dsp_way way) {
  for (int32_t row = 0; row < DSP_ROWS; row++, y += p->pitch) {
    for (int32_t i = 0; i < channels; i++) {
      y[i] = dsp_finish(p->sums[DSP_ROWS * i + row], tail, i, p->zero, way);
    }
  }
}

/// Pairs of channels before `stop`, of which `pair` is the next.
DSP_INLINE void dsp_multiply_even(const dsp_product *m, dsp_pairs *p, int8_t *y, dsp_way way) {
  const int32_t words = dsp_pair_words(m);
  p->y = y;
  p->pitch = m->pitch;
  p->pair = m->pairs;
  p->stop = m->pairs + m->channels / 2 * words;
  while (p->pair < p->stop) {
    dsp_multiply_next(p, way);
    const int32_t c = (int32_t)(p->y - y);
    p->pair = m->pairs + c / 2 * words;
    if (p->pair < p->stop) {
      p->pair += words;
      dsp_write_rarely(p, p->pair - DSP_TAIL_WORDS, 2, p->y, way);
      p->y += 2;
    }
  }
}

/// The last of an odd number of channels: a pair with nothing, computed elsewhere.
DSP_INLINE void dsp_multiply_last(const dsp_product *m, dsp_pairs *p, int8_t *y, dsp_way way) {
  int8_t last[2 * DSP_ROWS];
  const int32_t c = m->channels - 1;
  p->y = last;
  p->pitch = 2;
  p->stop = p->pair + dsp_pair_words(m);
  dsp_multiply_next(p, way);
  if (p->y == last) {
    dsp_write_rarely(p, p->stop - DSP_TAIL_WORDS, 1, last, way);
  }
  for (int32_t row = 0; row < DSP_ROWS; row++) {
    y[row * m->pitch + c] = last[2 * row];
  }
}

/// Output of `rows` rows at p->x: one, or four that are interleaved.
DSP_INLINE void dsp_multiply(const dsp_product *m, dsp_pairs *p, int32_t rows, int8_t *y,
                             dsp_way way) {
  if (!DSP_ASSEMBLY || rows < DSP_ROWS) {
    dsp_multiply_slowly(m, p->x, rows, (tw_span){0, m->channels}, y, way);
    return;
  }
  dsp_multiply_even(m, p, y, way);
  if (m->channels % 2) {
    dsp_multiply_last(m, p, y, way);
  }
}

/// How many of `rows` > 0 rows to multiply next.
static inline int32_t dsp_next_rows(int32_t rows) { return rows < DSP_ROWS ? 1 : DSP_ROWS; }
