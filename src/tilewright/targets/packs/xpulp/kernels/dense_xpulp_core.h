/// Four rows meet four channels as pixels do; a single row meets eight channels, so that a word of
/// it is loaded once for 32 multiply-accumulates.
#pragma once

#include "dense_xpulp.h"
#include "dense_xpulp_asm.h"
#include "dot_xpulp.h"

enum { DENSE_XPULP_ROWS = 4 };

/// acc[c] += the row times the weights of channel c, c in [0, 4).
static inline void dense_xpulp_four(const int8_t *x, const int8_t *w, int32_t words,
                                    int32_t acc[4]) {
  int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3], x0, w0, w1, w2, w3;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 18\n\t" // lp.setup: 9 instructions
      DOT_NEXT("%[x0]", "%[x]") DOT_NEXT("%[w0]", "%[w]") DOT_NEXT("%[w1]", "%[w]")
          DOT_NEXT("%[w2]", "%[w]") DOT_NEXT("%[w3]", "%[w]") DOT_DOT("%[a0]", "%[x0]", "%[w0]")
              DOT_DOT("%[a1]", "%[x0]", "%[w1]") DOT_DOT("%[a2]", "%[x0]", "%[w2]")
                  DOT_DOT("%[a3]", "%[x0]", "%[w3]") ".option pop"
      : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [x] "+r"(x), [w] "+r"(w),
        [x0] "=&r"(x0), [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
      : [n] "r"(words)
      : "memory");
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
}

/// Groups of channels of one row, in the order in which the assembly reads it.
typedef struct {
  const int8_t *x;           //  0
  const int8_t *w;           //  4 moves on
  const int32_t *bias;       //  8 moves on
  const int32_t *multiplier; // 12 moves on
  const int32_t *shift;      // 16 moves on
  int8_t *y;                 // 20 moves on
  int32_t words;             // 24
  int32_t low, high;         // 28, 32 of xp_finish
  int32_t base;              // 36 of xp_finish
  int32_t groups;            // 40 of eight or four channels, at least 1
} dense_xpulp_job;

/// Groups of eight or of four channels that have lines.
static inline void dense_xpulp_eights(dense_xpulp_job *job, int32_t is_odd) {
  register dense_xpulp_job *at __asm__("s8") = job;
  if (is_odd) {
    __asm__ volatile(DENSE_XPULP_SUMS DENSE_XPULP_FINISH(XP_ODD)
                     :
                     : "r"(at)
                     : DENSE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DENSE_XPULP_SUMS DENSE_XPULP_FINISH(XP_EVEN)
                     :
                     : "r"(at)
                     : DENSE_XPULP_REGISTERS);
  }
}

static inline void dense_xpulp_fours(dense_xpulp_job *job, int32_t is_odd) {
  register dense_xpulp_job *at __asm__("s8") = job;
  if (is_odd) {
    __asm__ volatile(DENSE_XPULP_SUMS_OF_4 DENSE_XPULP_FINISH_4(XP_ODD)
                     :
                     : "r"(at)
                     : DENSE_XPULP_REGISTERS);
  } else {
    __asm__ volatile(DENSE_XPULP_SUMS_OF_4 DENSE_XPULP_FINISH_4(XP_EVEN)
                     :
                     : "r"(at)
                     : DENSE_XPULP_REGISTERS);
  }
}

/// Up to four channels of any kind.
static inline void dense_xpulp_any(const dense_xpulp_args *a, const int8_t *x, int32_t channel,
                                   int32_t stop, int8_t *y, const xp_finish *finish,
                                   tw_rounding rounding) {
  int32_t acc[4];
  for (int32_t i = 0; i < 4; ++i) {
    acc[i] = a->bias[channel + i];
  }
  dense_xpulp_four(x, a->w + channel * 4 * a->words, a->words, acc);
  for (int32_t i = 0; i < p_min(stop - channel, 4); ++i) {
    const int32_t at = channel + i;
    y[at] = (int8_t)xp_finish_one(acc[i], a->multiplier[at], a->shift[at], finish, rounding);
  }
}

/// Channels [channel, stop) of one row.
static inline void dense_xpulp_row(const dense_xpulp_args *a, const int8_t *x, int32_t channel,
                                   int32_t stop, int8_t *y, tw_rounding rounding) {
  const xp_finish finish = xp_finish_of(a->low, a->high, a->y_zero, rounding);
  const int32_t is_odd = rounding == TW_ROUND_DOUBLE && finish.kind >= XP_FINISH_ODD;
  while (channel < stop) {
    const int32_t fours = dot_xpulp_with_lines(a->multiplier + channel, (stop - channel) >> 2);
    if (fours == 0) {
      dense_xpulp_any(a, x, channel, stop, y, &finish, rounding);
      channel += 4;
      continue;
    }
    dense_xpulp_job job = {x,
                           a->w + channel * 4 * a->words,
                           a->bias + channel,
                           a->multiplier + channel,
                           a->shift + channel,
                           y + channel,
                           a->words,
                           finish.low,
                           finish.high,
                           finish.base,
                           fours >> 1};
    if (fours == 1) {
      job.groups = 1;
      dense_xpulp_fours(&job, is_odd);
    } else {
      dense_xpulp_eights(&job, is_odd);
    }
    channel += fours == 1 ? 4 : 8 * (fours >> 1);
  }
}

/// Rows as whole words: where they lie, or copied.
static inline const int8_t *dense_xpulp_rows(const dense_xpulp_args *a, int32_t row, int32_t rows,
                                             int8_t *scratch) {
  const int8_t *const x = a->x + row * a->in_c;
  if (a->in_c == 4 * a->words) {
    return x;
  }
  for (int32_t r = 0; r < rows; ++r) {
    int8_t *const to = scratch + r * 4 * a->words;
    for (int32_t i = 0; i < a->in_c; ++i) {
      to[i] = x[r * a->in_c + i];
    }
    for (int32_t i = a->in_c; i < 4 * a->words; ++i) {
      to[i] = 0; // meets zero weights
    }
  }
  return scratch;
}

/// Four rows meet channels [channel, channel + channels).
static inline void dense_xpulp_block(const dense_xpulp_args *a, const int8_t *x, int32_t row,
                                     int32_t channel, int32_t channels, tw_rounding rounding) {
  dot_xpulp_job job = {.x = x,
                       .w = a->w + channel * 4 * a->words,
                       .bias = a->bias + channel,
                       .multiplier = a->multiplier + channel,
                       .shift = a->shift + channel,
                       .y = a->y + row * a->out_c + channel,
                       .step = 4 * a->words,
                       .back = 4 - 12 * a->words,
                       .words = a->words,
                       .rows = 1,
                       .blocks = 1,
                       .pixels = DENSE_XPULP_ROWS,
                       .y_step = a->out_c};
  dot_xpulp_finish_by(&job, xp_finish_of(a->low, a->high, a->y_zero, rounding));
  dot_xpulp_channels(&job, channels, rounding);
}

static inline void dense_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const dense_xpulp_args *a = args;
  const int32_t chunks = (a->out_c + a->item_channels - 1) / a->item_channels;
  const int32_t each = a->rows < DENSE_XPULP_ROWS ? 1 : DENSE_XPULP_ROWS;
  int32_t block = work.start / chunks, chunk = work.start - block * chunks, ready = -1;
  const int8_t *x = a->x;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t row = block * each, rows = p_min(a->rows - row, each);
    const int32_t channel = chunk * a->item_channels;
    const int32_t channels = p_min(a->out_c - channel, a->item_channels);
    if (ready != block) {
      x = dense_xpulp_rows(a, row, rows, work.scratch);
      ready = block;
    }
    if (rows == DENSE_XPULP_ROWS) {
      dense_xpulp_block(a, x, row, channel, channels, rounding);
    } else {
      for (int32_t r = 0; r < rows; ++r) {
        dense_xpulp_row(a, x + r * 4 * a->words, channel, channel + channels,
                        a->y + (row + r) * a->out_c, rounding);
      }
    }
    if (++chunk == chunks) {
      chunk = 0;
      ++block;
    }
  }
}
