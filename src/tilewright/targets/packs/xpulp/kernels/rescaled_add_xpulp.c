/// Two multiply-accumulates, one rounding shift and one clip per element; four make a word.
#include "rescaled_add_xpulp.h"

#include "rescaled_add_xpulp_asm.h"
#include "xp_requantise.h"

/// What all elements share.
typedef struct {
  int32_t start, a_multiplier, b_multiplier, shift;
  xp_output out;
} rescaled_add_shared;

/// One element before y_zero is added.
static inline int32_t rescaled_add_one(const rescaled_add_shared *s, int32_t a, int32_t b,
                                       int32_t positive) {
  const int32_t sum = p_mac(p_mac(s->start, a, s->a_multiplier), b, s->b_multiplier);
  return xp_clip(p_addrn(sum, 0, s->shift), &s->out, positive);
}

static void rescaled_add_all(const rescaled_add_shared *s, const int8_t *a, const int8_t *b,
                             int8_t *y, int32_t count, int32_t positive) {
  int32_t x0, x1, x2, x3, z0, z1, z2, z3, t;
  if (count >= 4 && positive) {
    __asm__ volatile(RESCALED_ADD_FOURS("64", RESCALED_ADD_POSITIVE)
                     : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [x0] "=&r"(x0), [x1] "=&r"(x1),
                       [x2] "=&r"(x2), [x3] "=&r"(x3), [z0] "=&r"(z0), [z1] "=&r"(z1),
                       [z2] "=&r"(z2), [z3] "=&r"(z3), [t] "=&r"(t)
                     : [n] "r"(count >> 2), [start] "r"(s->start), [am] "r"(s->a_multiplier),
                       [bm] "r"(s->b_multiplier), [shift] "r"(s->shift), [low] "r"(s->out.low),
                       [high] "r"(s->out.high), [zeros] "r"(s->out.zeros)
                     : "memory");
  } else if (count >= 4) {
    __asm__ volatile(RESCALED_ADD_FOURS("72", RESCALED_ADD_SIGNED)
                     : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [x0] "=&r"(x0), [x1] "=&r"(x1),
                       [x2] "=&r"(x2), [x3] "=&r"(x3), [z0] "=&r"(z0), [z1] "=&r"(z1),
                       [z2] "=&r"(z2), [z3] "=&r"(z3), [t] "=&r"(t)
                     : [n] "r"(count >> 2), [start] "r"(s->start), [am] "r"(s->a_multiplier),
                       [bm] "r"(s->b_multiplier), [shift] "r"(s->shift), [low] "r"(s->out.low),
                       [high] "r"(s->out.high), [zeros] "r"(s->out.zeros)
                     : "memory");
  }
  for (count &= 3; count > 0; --count) {
    *y++ = (int8_t)(rescaled_add_one(s, *a++, *b++, positive) + s->out.zeros);
  }
}

void rescaled_add_xpulp(const void *args, tw_work work) {
  const rescaled_add_xpulp_args *const p = args;
  const rescaled_add_shared shared = {p->start, p->a_multiplier, p->b_multiplier, p->shift,
                                      xp_output_of(p->low, p->high, p->y_zero)};
  const int8_t *const a = p->a + work.start, *const b = p->b + work.start;
  int8_t *const y = p->y + work.start;
  const int32_t count = work.stop - work.start;
  rescaled_add_all(&shared, a, b, y, count, shared.out.is_positive && shared.out.low == 0);
}
