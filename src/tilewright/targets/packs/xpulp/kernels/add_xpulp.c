/// What a value of the scaled operand adds is looked up: there are 256 of them. The rest is one
/// multiplication per element.
#include "add_xpulp.h"

#include "xp_requantise.h"

enum {
  ADD_LEFT_SHIFT = 20, // fractional bits of the common scale
  ADD_VALUES = 256,
};

/// What all elements share.
typedef struct {
  const int32_t *adds; // at value 0
  int32_t multiplier, bits;
  xp_output out;
} add_xpulp_shared;

static inline void add_xpulp_table(const add_xpulp_args *p, int32_t *table) {
  const int32_t left = -p->half_zero * (1 << (ADD_LEFT_SHIFT - 1));
  const int32_t multiplier = p->other_multiplier, bits = 1 - p->other_shift;
  int32_t wide = (-ADD_VALUES / 2 - p->other_zero) * (1 << ADD_LEFT_SHIFT); // below 2**28
  if (bits > 1 && bits < 32) {
    for (int32_t i = 0; i < ADD_VALUES; ++i, wide += 1 << ADD_LEFT_SHIFT) {
      table[i] = left + xp_rescale(wide, multiplier, bits, TW_ROUND_DOUBLE, 0);
    }
    return;
  }
  for (int32_t i = 0; i < ADD_VALUES; ++i, wide += 1 << ADD_LEFT_SHIFT) {
    const int32_t product = tw_doubling_high_multiply(wide, multiplier);
    table[i] = left + tw_rounding_shift_right(product, -p->other_shift);
  }
}

/// One element before y_zero is added.
static inline int32_t add_xpulp_one(const add_xpulp_shared *s, int32_t half, int32_t other,
                                    int32_t positive) {
  const int32_t sum = p_mac(s->adds[other], half, 1 << (ADD_LEFT_SHIFT - 1));
  const int32_t v = xp_rescale(sum, s->multiplier, s->bits, TW_ROUND_DOUBLE, positive);
  return xp_clip(v, &s->out, positive);
}

static inline void add_xpulp_all(const add_xpulp_shared *s, const int8_t *half, const int8_t *other,
                                 int8_t *y, int32_t count, int32_t positive) {
  for (; count >= 4; count -= 4, half += 4, other += 4, y += 4) {
    const int32_t v0 = add_xpulp_one(s, half[0], other[0], positive);
    const int32_t v1 = add_xpulp_one(s, half[1], other[1], positive);
    const int32_t v2 = add_xpulp_one(s, half[2], other[2], positive);
    const int32_t v3 = add_xpulp_one(s, half[3], other[3], positive);
    xp_store(y, pv_add_b(xp_pack(v0, v1, v2, v3), s->out.zeros));
  }
  for (; count > 0; --count) {
    *y++ = (int8_t)(add_xpulp_one(s, *half++, *other++, positive) + s->out.zeros);
  }
}

void add_xpulp(const void *args, tw_work work) {
  const add_xpulp_args *const p = args;
  int32_t *const table = work.scratch;
  const add_xpulp_shared shared = {table + ADD_VALUES / 2, p->multiplier, 1 - p->shift,
                                   xp_output_of(p->low, p->high, p->y_zero)};
  const int8_t *const half = (p->half_is_a != 0 ? p->a : p->b) + work.start;
  const int8_t *const other = (p->half_is_a != 0 ? p->b : p->a) + work.start;
  add_xpulp_table(p, table);
  if (shared.out.is_positive && shared.out.low == 0) {
    add_xpulp_all(&shared, half, other, p->y + work.start, work.stop - work.start, 1);
  } else {
    add_xpulp_all(&shared, half, other, p->y + work.start, work.stop - work.start, 0);
  }
}
