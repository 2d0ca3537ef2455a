/// Four rows meet four channels as pixels do; a single row meets eight channels, so that a word of
/// it is loaded once for 32 multiply-accumulates.
#pragma once

#include "dense_xpulp.h"
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

/// The same for c in [0, 8); the second four's weights follow the first's.
static inline void dense_xpulp_eight(const int8_t *x, const int8_t *w, int32_t words,
                                     int32_t acc[8]) {
  int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
  int32_t b0 = acc[4], b1 = acc[5], b2 = acc[6], b3 = acc[7];
  const int8_t *v = w + 16 * words;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 34\n\t" // lp.setup: 17 instructions
      DOT_NEXT("gp", "%[x]") DOT_NEXT("t0", "%[w]") DOT_NEXT("t1", "%[w]")
          DOT_DOT("%[a0]", "gp", "t0") DOT_NEXT("t0", "%[w]") DOT_DOT("%[a1]", "gp", "t1")
              DOT_NEXT("t1", "%[w]") DOT_DOT("%[a2]", "gp", "t0") DOT_NEXT("t0", "%[v]")
                  DOT_DOT("%[a3]", "gp", "t1") DOT_NEXT("t1", "%[v]") DOT_DOT("%[b0]", "gp", "t0")
                      DOT_NEXT("t0", "%[v]") DOT_DOT("%[b1]", "gp", "t1") DOT_NEXT("t1", "%[v]")
                          DOT_DOT("%[b2]", "gp", "t0") DOT_DOT("%[b3]", "gp", "t1") ".option pop"
      : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [b0] "+r"(b0), [b1] "+r"(b1),
        [b2] "+r"(b2), [b3] "+r"(b3), [x] "+r"(x), [w] "+r"(w), [v] "+r"(v)
      : [n] "r"(words)
      : "t0", "t1", "memory");
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
  acc[4] = b0;
  acc[5] = b1;
  acc[6] = b2;
  acc[7] = b3;
}

/// Channels [channel, stop) of one row.
static inline void dense_xpulp_row(const dense_xpulp_args *a, const int8_t *x, int32_t channel,
                                   int32_t stop, const xp_output *out, int8_t *y,
                                   tw_rounding rounding) {
  while (channel < stop) {
    const int32_t left = stop - channel;
    const int8_t *const w = a->w + channel * 4 * a->words;
    int32_t acc[8];
    const int32_t count = left > 4 ? 8 : 4;
    for (int32_t i = 0; i < count; ++i) {
      acc[i] = a->bias[channel + i];
    }
    if (count == 8) {
      dense_xpulp_eight(x, w, a->words, acc);
    } else {
      dense_xpulp_four(x, w, a->words, acc);
    }
    for (int32_t i = 0; i < p_min(left, count); ++i) {
      const int32_t at = channel + i;
      const int32_t v = xp_rescale_any(acc[i], a->multiplier[at], a->shift[at], rounding);
      y[at] = (int8_t)(tw_clip(v, out->low, out->high) + out->zeros);
    }
    channel += count;
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

static inline void dense_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const dense_xpulp_args *a = args;
  const xp_output out = xp_output_of(a->low, a->high, a->y_zero);
  const int32_t chunks = (a->out_c + a->item_channels - 1) / a->item_channels;
  const int32_t each = a->rows < DENSE_XPULP_ROWS ? 1 : DENSE_XPULP_ROWS;
  dot_xpulp_job job = {.step = 4 * a->words,
                       .back = 4 - 12 * a->words,
                       .words = a->words,
                       .rows = 1,
                       .y_step = a->out_c,
                       .low = out.low,
                       .high = out.high,
                       .zeros = out.zeros};
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
      job.x = x;
      job.w = a->w + channel * 4 * a->words;
      job.bias = a->bias + channel;
      job.multiplier = a->multiplier + channel;
      job.shift = a->shift + channel;
      job.y = a->y + row * a->out_c + channel;
      job.pixels = rows;
      job.blocks = 1;
      dot_xpulp_channels(&job, channels, rounding);
    } else {
      for (int32_t r = 0; r < rows; ++r) {
        dense_xpulp_row(a, x + r * 4 * a->words, channel, channel + channels, &out,
                        a->y + (row + r) * a->out_c, rounding);
      }
    }
    if (++chunk == chunks) {
      chunk = 0;
      ++block;
    }
  }
}
