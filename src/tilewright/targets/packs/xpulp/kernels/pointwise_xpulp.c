/// Tables and products, element by element: fours as one word, the rest one by one.
#include "pointwise_xpulp.h"

#include "pointwise_asm.h"
#include "xp_fours.h"

void lut_xpulp(const void *args, tw_work work) {
  const lut_s8_args *const a = args;
  const int8_t *const centre = a->table + 128;
  const int8_t *x = a->x + work.start;
  int8_t *y = a->y + work.start;
  int32_t left = work.stop - work.start;
  for (; left >= 4; left -= 4, x += 4, y += 4) {
    const int32_t y0 = p_lb_at(centre, x[0]), y1 = p_lb_at(centre, x[1]);
    const int32_t y2 = p_lb_at(centre, x[2]), y3 = p_lb_at(centre, x[3]);
    xp_store(y, xp_pack(y0, y1, y2, y3));
  }
  for (; left > 0; --left) {
    *y++ = centre[*x++];
  }
}

/// Whether products are scaled sixteen bits at a time, from -high - 1 to high.
static inline int32_t pointwise_is_narrow(const mapped_mul_s8_args *p) {
  return p->a_zero == 0 && p->b_zero == 0 && p->y_zero == 0 && p->shift == 16 &&
         p->multiplier >= 0 && p->multiplier < 1 << 15 && p->low == -p->high - 1;
}

/// 4 * n narrow products.
static inline void pointwise_narrow(const mapped_mul_s8_args *p, const int8_t *centre,
                                    const int8_t *a, const int8_t *b, int32_t n, int8_t *y) {
  int32_t a0, a1, a2, a3, b0, b1, b2, b3;
  if (centre != 0) {
    __asm__ volatile(
        MUL_NARROW_MAPPED
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [table] "r"(centre), [multiplier] "r"(p->multiplier), [high] "r"(p->high)
        : "memory");
  } else {
    __asm__ volatile(
        MUL_NARROW_PLAIN
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [multiplier] "r"(p->multiplier), [high] "r"(p->high)
        : "memory");
  }
}

/// 4 * n products under any arguments.
static inline void pointwise_fours(const mapped_mul_s8_args *p, const int8_t *centre,
                                   const int8_t *a, const int8_t *b, int32_t n, int8_t *y) {
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->y_zero, p->high - p->y_zero};
  const int32_t zeros = (p->y_zero & 0xff) * 0x01010101;
  int32_t a0, a1, a2, a3, b0, b1, b2, b3;
  if (centre != 0) {
    __asm__ volatile(
        MUL_MAPPED
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [table] "r"(centre), [az] "r"(p->a_zero), [bz] "r"(p->b_zero),
          [multiplier] "r"(scale.multiplier), [shift] "r"(scale.shift), [low] "r"(scale.low),
          [high] "r"(scale.high), [zeros] "r"(zeros)
        : "memory");
  } else {
    __asm__ volatile(
        MUL_PLAIN
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [az] "r"(p->a_zero), [bz] "r"(p->b_zero), [multiplier] "r"(scale.multiplier),
          [shift] "r"(scale.shift), [low] "r"(scale.low), [high] "r"(scale.high), [zeros] "r"(zeros)
        : "memory");
  }
}

static inline void pointwise_mul(const mapped_mul_s8_args *p, const int8_t *centre, tw_work work) {
  const int8_t *a = p->a + work.start, *b = p->b + work.start;
  int8_t *y = p->y + work.start;
  const int32_t n = (work.stop - work.start) >> 2;
  int32_t left = (work.stop - work.start) & 3;
  if (n > 0 && pointwise_is_narrow(p)) {
    pointwise_narrow(p, centre, a, b, n, y);
  } else if (n > 0) {
    pointwise_fours(p, centre, a, b, n, y);
  }
  if (left == 0) {
    return;
  }
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->y_zero, p->high - p->y_zero};
  const int32_t a_zero = p->a_zero, b_zero = p->b_zero, y_zero = p->y_zero;
  a += 4 * n;
  b += 4 * n;
  y += 4 * n;
  for (; left > 0; --left, ++a) {
    const int32_t gate = centre != 0 ? p_lb_at(centre, *a) : *a;
    *y++ = (int8_t)(xp_scaled((gate - a_zero) * (*b++ - b_zero), scale) + y_zero);
  }
}

void mapped_mul_xpulp(const void *args, tw_work work) {
  const mapped_mul_s8_args *const p = args;
  pointwise_mul(p, p->table + 128, work);
}

void rescaled_mul_xpulp(const void *args, tw_work work) {
  const rescaled_mul_xpulp_args *const p = args;
  const mapped_mul_s8_args all = {.a = p->a,
                                  .b = p->b,
                                  .y = p->y,
                                  .a_zero = p->a_zero,
                                  .b_zero = p->b_zero,
                                  .y_zero = p->y_zero,
                                  .low = p->low,
                                  .high = p->high,
                                  .multiplier = p->multiplier,
                                  .shift = p->shift};
  pointwise_mul(&all, 0, work);
}
