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

static inline void pointwise_mul(const mapped_mul_s8_args *p, const int8_t *centre, tw_work work) {
  const xp_scale scale = {p->multiplier, p->shift, p->low - p->y_zero, p->high - p->y_zero};
  const int32_t a_zero = p->a_zero, b_zero = p->b_zero, y_zero = p->y_zero;
  const int8_t *a = p->a + work.start, *b = p->b + work.start;
  int8_t *y = p->y + work.start;
  const int32_t n = (work.stop - work.start) >> 2, zeros = (y_zero & 0xff) * 0x01010101;
  int32_t left = (work.stop - work.start) & 3, a0, a1, a2, a3, b0, b1, b2, b3;
  if (n > 0 && centre != 0) {
    __asm__ volatile(
        MUL_MAPPED
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [table] "r"(centre), [az] "r"(a_zero), [bz] "r"(b_zero),
          [multiplier] "r"(scale.multiplier), [shift] "r"(scale.shift), [low] "r"(scale.low),
          [high] "r"(scale.high), [zeros] "r"(zeros)
        : "memory");
  } else if (n > 0) {
    __asm__ volatile(
        MUL_PLAIN
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
          [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [n] "r"(n), [az] "r"(a_zero), [bz] "r"(b_zero), [multiplier] "r"(scale.multiplier),
          [shift] "r"(scale.shift), [low] "r"(scale.low), [high] "r"(scale.high), [zeros] "r"(zeros)
        : "memory");
  }
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
