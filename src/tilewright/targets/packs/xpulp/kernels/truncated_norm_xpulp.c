/// Rows are cut into parts, so that one row keeps all cores busy: each adds up its whole row, then
/// scales its part, with quotients by the row's root as products.
#include "truncated_norm_xpulp.h"

#include "truncated_norm_asm.h"
#include "xp_quotient.h"

/// Sum of x, sum of squares.
typedef struct {
  int32_t sum, squares;
} norm_sums;

static inline norm_sums norm_sums_of(const int8_t *x, int32_t length) {
  int32_t sum = 0, squares = 0, i = 0;
  for (; i + 8 <= length; i += 8) {
    const int32_t a = xp_load(x + i), b = xp_load(x + i + 4);
    sum = pv_sdotsp_b(sum, a, 0x01010101);
    squares = pv_sdotsp_b(squares, a, a);
    sum = pv_sdotsp_b(sum, b, 0x01010101);
    squares = pv_sdotsp_b(squares, b, b);
  }
  for (; i < length; ++i) {
    sum += x[i];
    squares += x[i] * x[i];
  }
  return (norm_sums){sum, squares};
}

/// The largest number whose square is not above x, 1 <= x < 2**18.
static inline int32_t norm_root(uint32_t x) {
  uint32_t rest = x, root = 0;
  for (uint32_t digit = UINT32_C(1) << ((xp_bits(x) - 1) & ~1); digit != 0; digit >>= 2) {
    const uint32_t trial = root + digit;
    root >>= 1;
    if (rest >= trial) {
      rest -= trial;
      root += digit;
    }
  }
  return (int32_t)root;
}

/// One item: a part of a row.
typedef struct {
  const int8_t *x;
  const int32_t *scale, *bias;
  int8_t *y;
  int32_t count, zero, shift;
} norm_part;

/// value * scale / root, towards zero; a root of 1 has no divisor.
static inline int32_t norm_scaled(int32_t value, int32_t scale, int32_t root, xp_divisor by) {
  const int32_t product = value * scale, sign = product >> 31;
  const uint32_t size = (uint32_t)((product ^ sign) - sign);
  const int32_t quotient = (int32_t)(root < 2 ? size : xp_quotient(size, by));
  return (quotient ^ sign) - sign;
}

static inline void norm_layer_part(const norm_part *p, int32_t root) {
  const xp_divisor by = xp_divisor_of((uint32_t)p_max(root, 2));
  const int8_t *x = p->x;
  const int32_t *scale = p->scale, *bias = p->bias;
  int8_t *y = p->y;
  const int32_t n = root < 2 ? 0 : p->count >> 2;
  int32_t a, b, c, d, e, f, g, h;
  if (n > 0) {
    __asm__ volatile(NORM_LAYER
                     : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                       [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h), [x] "+r"(x), [scale] "+r"(scale),
                       [bias] "+r"(bias), [y] "+r"(y)
                     : [n] "r"(n), [zero] "r"(p->zero), [factor] "r"(by.factor),
                       [down] "r"(by.shift), [shift] "r"(p->shift)
                     : "memory");
  }
  for (int32_t left = p->count - 4 * n; left > 0; --left) {
    const int32_t scaled = norm_scaled(*x++ - p->zero, *scale++, root, by);
    *y++ = (int8_t)((int32_t)((uint32_t)scaled + (uint32_t)*bias++) >> p->shift);
  }
}

/// With p = x * scale, y = floor(trunc(p / root) / 2**shift). What trunc rounds up is made a floor:
/// p + root - 1 where p is below zero. Floors of floors are floors, so that the shift comes first.
/// Then t / root, with t within 128 roots, is the upper byte of t * factor + factor / 2, where
/// factor is 2**24 / root, rounded: 2**24 times (t + 1/2) / root, which is at least 2**23 / root
/// from the next integer and off by at most 64 * root; no root is above 255.
static inline void norm_rms_part(const norm_part *p, int32_t root) {
  const int32_t factor = ((1 << 24) + (root >> 1)) / root, most = 128 * root - 1;
  const int32_t half = factor >> 1, less = root - 1, n = p->count >> 2, zero = p->zero;
  const int8_t *x = p->x;
  const int32_t *scale = p->scale;
  int8_t *y = p->y;
  int32_t a, b, c, d, e, f, g, h;
  if (n > 0 && zero == 0) {
    __asm__ volatile(
        NORM_RMS
        : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f),
          [g] "=&r"(g), [h] "=&r"(h), [x] "+r"(x), [scale] "+r"(scale), [y] "+r"(y)
        : [n] "r"(n), [less] "r"(less), [shift] "r"(p->shift), [most] "r"(most), [half] "r"(half),
          [factor] "r"(factor), [uppers] "r"(0x703)
        : "memory");
  } else if (n > 0) {
    __asm__ volatile(
        NORM_RMS_CENTRED
        : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f),
          [g] "=&r"(g), [h] "=&r"(h), [x] "+r"(x), [scale] "+r"(scale), [y] "+r"(y)
        : [n] "r"(n), [less] "r"(less), [shift] "r"(p->shift), [most] "r"(most), [half] "r"(half),
          [factor] "r"(factor), [uppers] "r"(0x703), [zero] "r"(zero)
        : "memory");
  }
  for (int32_t left = p->count & 3; left > 0; --left) {
    const int32_t product = (*x++ - zero) * *scale++;
    const int32_t floored = product + ((product >> 31) & less);
    *y++ = (int8_t)(p_mac(half, p_clip(floored >> p->shift, most), factor) >> 24);
  }
}

static inline void norm_parts(const truncated_norm_xpulp_args *a, tw_work work,
                              int32_t is_centred) {
  const int32_t length = a->length, parts = a->parts, step = a->step;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t row = parts == 1 ? item : item / parts;
    const int32_t start = (item - row * parts) * step, stop = p_min(start + step, length);
    const int8_t *const x = a->x + row * length;
    const norm_sums sums = norm_sums_of(x, length);
    const int32_t zero =
        is_centred ? (sums.sum - length * a->x_zero) / length + a->x_zero : a->x_zero;
    const int32_t squares = sums.squares - 2 * zero * sums.sum + length * zero * zero;
    const int32_t root = norm_root((uint32_t)(squares / length + 1));
    const norm_part part = {.x = x + start,
                            .scale = a->scale + start,
                            .bias = a->bias + start,
                            .y = a->y + row * length + start,
                            .count = stop - start,
                            .zero = zero,
                            .shift = a->shift};
    if (is_centred) {
      norm_layer_part(&part, root);
    } else {
      norm_rms_part(&part, root);
    }
  }
}

void truncated_layer_norm_xpulp(const void *args, tw_work work) { norm_parts(args, work, 1); }

void truncated_rms_norm_xpulp(const void *args, tw_work work) {
  const truncated_rms_norm_xpulp_args *const a = args;
  const truncated_norm_xpulp_args all = {.x = a->x,
                                         .scale = a->scale,
                                         .y = a->y,
                                         .length = a->length,
                                         .x_zero = a->x_zero,
                                         .shift = a->shift,
                                         .parts = a->parts,
                                         .step = a->step};
  norm_parts(&all, work, 0);
}
