/// Two multiply-accumulates, one rounding shift and one clip per element; four make a word.
#include "rescaled_add_xpulp.h"

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

static inline void rescaled_add_all(const rescaled_add_shared *s, const int8_t *a, const int8_t *b,
                                    int8_t *y, int32_t count, int32_t positive) {
  for (; count >= 4; count -= 4, a += 4, b += 4, y += 4) {
    const int32_t v0 = rescaled_add_one(s, a[0], b[0], positive);
    const int32_t v1 = rescaled_add_one(s, a[1], b[1], positive);
    const int32_t v2 = rescaled_add_one(s, a[2], b[2], positive);
    const int32_t v3 = rescaled_add_one(s, a[3], b[3], positive);
    xp_store(y, pv_add_b(xp_pack(v0, v1, v2, v3), s->out.zeros));
  }
  for (; count > 0; --count) {
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
  if (shared.out.is_positive && shared.out.low == 0) {
    rescaled_add_all(&shared, a, b, y, count, 1);
  } else {
    rescaled_add_all(&shared, a, b, y, count, 0);
  }
}
