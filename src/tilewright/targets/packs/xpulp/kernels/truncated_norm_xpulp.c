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

/// What all elements of a row share.
typedef struct {
  int32_t zero, root, shift;
  xp_divisor by;
} norm_row;

/// value * scale / root, towards zero; a root of 1 has no divisor.
static inline int32_t norm_scaled(int32_t value, int32_t scale, const norm_row *row) {
  const int32_t product = value * scale, sign = product >> 31;
  const uint32_t size = (uint32_t)((product ^ sign) - sign);
  const int32_t quotient = (int32_t)(row->root < 2 ? size : xp_quotient(size, row->by));
  return (quotient ^ sign) - sign;
}

/// Fours of elements, where there is a divisor; returns how many elements that were.
static inline int32_t norm_fours(const int8_t *x, const int32_t *scale, const int32_t *bias,
                                 int32_t count, const norm_row *row, int8_t *y,
                                 int32_t is_centred) {
  const int32_t n = row->root < 2 ? 0 : count >> 2;
  int32_t a, b, c, d, e, f, g, h;
  if (n > 0 && is_centred) {
    __asm__ volatile(NORM_LAYER
                     : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                       [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h), [x] "+r"(x), [scale] "+r"(scale),
                       [bias] "+r"(bias), [y] "+r"(y)
                     : [n] "r"(n), [zero] "r"(row->zero), [factor] "r"(row->by.factor),
                       [down] "r"(row->by.shift), [shift] "r"(row->shift)
                     : "memory");
  } else if (n > 0) {
    __asm__ volatile(
        NORM_RMS
        : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f),
          [g] "=&r"(g), [h] "=&r"(h), [x] "+r"(x), [scale] "+r"(scale), [y] "+r"(y)
        : [n] "r"(n), [zero] "r"(row->zero), [factor] "r"(row->by.factor),
          [down] "r"(row->by.shift), [shift] "r"(row->shift), [high] "r"(127)
        : "memory");
  }
  return 4 * n;
}

static inline void norm_parts(const truncated_norm_xpulp_args *a, tw_work work,
                              int32_t is_centred) {
  const int32_t length = a->length, parts = a->parts, step = a->step, shift = a->shift;
  const int32_t *const scales = a->scale, *const biases = a->bias;
  for (int32_t item = work.start; item < work.stop; ++item) {
    const int32_t row = parts == 1 ? item : item / parts;
    const int32_t start = (item - row * parts) * step, stop = p_min(start + step, length);
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    const norm_sums sums = norm_sums_of(x, length);
    const int32_t zero =
        is_centred ? (sums.sum - length * a->x_zero) / length + a->x_zero : a->x_zero;
    const int32_t squares = sums.squares - 2 * zero * sums.sum + length * zero * zero;
    const int32_t root = norm_root((uint32_t)(squares / length + 1));
    const norm_row all = {zero, root, shift, xp_divisor_of((uint32_t)p_max(root, 2))};
    int32_t i = start + norm_fours(x + start, scales + start, biases + start, stop - start, &all,
                                   y + start, is_centred);
    for (; i < stop; ++i) {
      const int32_t scaled = norm_scaled(x[i] - zero, scales[i], &all);
      y[i] = (int8_t)(is_centred ? (int32_t)((uint32_t)scaled + (uint32_t)biases[i]) >> shift
                                 : p_min(p_max(scaled >> shift, -128), 127));
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
