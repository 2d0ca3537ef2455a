/// Products of four pixels with four weight rows: 24 instructions for 64 multiply-accumulates, none
/// of which waits for a load.
#pragma once

#include "xp_requantise.h"

/// Where four neighbouring pixels find their windows.
typedef struct {
  const int8_t *x;
  int32_t step;  // bytes from one pixel to the next
  int32_t skip;  // bytes from the end of a run to the start of the next one
  int32_t words; // of a run
  int32_t rows;  // runs
} dot_xpulp_four;

/// What a group of four channels needs; all but `out` start at its first channel.
typedef struct {
  const int8_t *w;
  const int32_t *bias, *multiplier, *shift;
} dot_xpulp_rows;

/// Where results go: `pixels` of the four pixels, `channels` of the four channels.
typedef struct {
  int8_t *y;
  int32_t step; // bytes from one pixel to the next
  int32_t pixels, channels;
} dot_xpulp_to;

static inline void dot_xpulp_put(const dot_xpulp_to *to, int32_t pixel, int32_t four) {
  int8_t *y = to->y + pixel * to->step;
  if (to->channels == 4) {
    xp_store(y, four);
    return;
  }
  for (int32_t c = 0; c < to->channels; ++c, four >>= 8) {
    y[c] = (int8_t)four;
  }
}

/// Shifts that the short form cannot do; rare, so out of the way.
static __attribute__((noinline)) void dot_xpulp_slow(const int32_t acc[4][4],
                                                     const dot_xpulp_rows *r,
                                                     const xp_output *out, const dot_xpulp_to *to,
                                                     tw_rounding rounding) {
  for (int32_t p = 0; p < to->pixels; ++p) {
    for (int32_t c = 0; c < to->channels; ++c) {
      const int32_t v = xp_rescale_any(acc[c][p], r->multiplier[c], r->shift[c], rounding);
      to->y[p * to->step + c] = (int8_t)(tw_clip(v, out->low, out->high) + out->zeros);
    }
  }
}

#define DOT_XPULP_CHANNEL(c)                                                                       \
  {                                                                                                \
    const int32_t m = r->multiplier[c], bits = r->shift[c];                                        \
    a##c##0 = xp_clip(xp_rescale(a##c##0, m, bits, rounding, positive), out, positive);            \
    a##c##1 = xp_clip(xp_rescale(a##c##1, m, bits, rounding, positive), out, positive);            \
    a##c##2 = xp_clip(xp_rescale(a##c##2, m, bits, rounding, positive), out, positive);            \
    a##c##3 = xp_clip(xp_rescale(a##c##3, m, bits, rounding, positive), out, positive);            \
  }

#define DOT_XPULP_PIXEL(p)                                                                         \
  if (to->pixels > (p)) {                                                                          \
    dot_xpulp_put(to, p, pv_add_b(xp_pack(a0##p, a1##p, a2##p, a3##p), out->zeros));               \
  }

#define DOT_XPULP_LW(rd, step, base) ".insn r 0x0b, 7, 0x10, " rd ", " base ", " step "\n\t"
#define DOT_XPULP_LWI(rd, base) ".insn i 0x0b, 2, " rd ", " base ", 4\n\t"
#define DOT_XPULP_DOT(acc, x, w) ".insn r 0x57, 1, 0x5c, " acc ", " x ", " w "\n\t"
#define DOT_XPULP_DOTS(c, w)                                                                       \
  DOT_XPULP_DOT("%[a" c "0]", "%[t]", w)                                                           \
  DOT_XPULP_DOT("%[a" c "1]", "%[b]", w)                                                           \
  DOT_XPULP_DOT("%[a" c "2]", "gp", w)                                                             \
  DOT_XPULP_DOT("%[a" c "3]", "tp", w)

/// acc[c][p] = bias[c] + the sum over all runs; then requantised and stored.
static inline void dot_xpulp_block(const dot_xpulp_four *four, const dot_xpulp_rows *r,
                                   const xp_output *out, const dot_xpulp_to *to,
                                   tw_rounding rounding, int32_t positive) {
  int32_t a00, a01, a02, a03, a10, a11, a12, a13, a20, a21, a22, a23, a30, a31, a32, a33;
  const int8_t *x = four->x, *w = r->w;
  const int32_t *b = r->bias;
  int32_t t = four->rows;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      "lw %[a00], 0(%[b])\n\tlw %[a10], 4(%[b])\n\tlw %[a20], 8(%[b])\n\tlw %[a30], 12(%[b])\n\t"
      "mv %[a01], %[a00]\n\tmv %[a02], %[a00]\n\tmv %[a03], %[a00]\n\t"
      "mv %[a11], %[a10]\n\tmv %[a12], %[a10]\n\tmv %[a13], %[a10]\n\t"
      "mv %[a21], %[a20]\n\tmv %[a22], %[a20]\n\tmv %[a23], %[a20]\n\t"
      "mv %[a31], %[a30]\n\tmv %[a32], %[a30]\n\tmv %[a33], %[a30]\n\t"
      ".insn i 0x7b, 4, x1, %[t], 52\n\t" // lp.setup 1: 26 instructions
      ".insn i 0x7b, 4, x0, %[n], 48\n\t" // lp.setup 0: 24 instructions
      DOT_XPULP_LW("%[t]", "%[step]", "%[x]")
      DOT_XPULP_LW("%[b]", "%[step]", "%[x]")
      DOT_XPULP_LW("gp", "%[step]", "%[x]")
      DOT_XPULP_LW("tp", "%[back]", "%[x]")
      DOT_XPULP_LWI("t0", "%[w]")
      DOT_XPULP_LWI("t1", "%[w]")
      DOT_XPULP_DOTS("0", "t0")
      DOT_XPULP_LWI("t0", "%[w]")
      DOT_XPULP_DOTS("1", "t1")
      DOT_XPULP_LWI("t1", "%[w]")
      DOT_XPULP_DOTS("2", "t0")
      DOT_XPULP_DOTS("3", "t1")
      "add %[x], %[x], %[skip]\n\t"
      ".option pop"
      : [a00] "=&r"(a00), [a01] "=&r"(a01), [a02] "=&r"(a02), [a03] "=&r"(a03), [a10] "=&r"(a10),
        [a11] "=&r"(a11), [a12] "=&r"(a12), [a13] "=&r"(a13), [a20] "=&r"(a20), [a21] "=&r"(a21),
        [a22] "=&r"(a22), [a23] "=&r"(a23), [a30] "=&r"(a30), [a31] "=&r"(a31), [a32] "=&r"(a32),
        [a33] "=&r"(a33), [x] "+r"(x), [w] "+r"(w), [b] "+r"(b), [t] "+r"(t)
      : [n] "r"(four->words), [step] "r"(four->step), [back] "r"(4 - 3 * four->step),
        [skip] "r"(four->skip)
      : "t0", "t1", "memory");
  if (rounding == TW_ROUND_DOUBLE &&
      (r->shift[0] | r->shift[1] | r->shift[2] | r->shift[3]) < 0) {
    const int32_t acc[4][4] = {{a00, a01, a02, a03},
                               {a10, a11, a12, a13},
                               {a20, a21, a22, a23},
                               {a30, a31, a32, a33}};
    dot_xpulp_slow(acc, r, out, to, rounding);
    return;
  }
  DOT_XPULP_CHANNEL(0)
  DOT_XPULP_CHANNEL(1)
  DOT_XPULP_CHANNEL(2)
  DOT_XPULP_CHANNEL(3)
  DOT_XPULP_PIXEL(0)
  DOT_XPULP_PIXEL(1)
  DOT_XPULP_PIXEL(2)
  DOT_XPULP_PIXEL(3)
}
