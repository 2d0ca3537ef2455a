#include "embed_tokens_xpulp.h"

#include "scaled_row_xpulp.h"

/// Elements [start, stop) of one row. Four bytes are one load, which takes long outside L1.
static inline void embed(const int8_t *x, int32_t multiplier, int32_t shift, int32_t start,
                         int32_t stop, int16_t *y) {
  int32_t four = 0;
  for (int32_t i = start; i < stop; i++) {
    if (i == start || (i & 3) == 0) {
      four = xp_load(x + (i & ~3)) >> 8 * (i & 3);
    }
    y[i] = (int16_t)xp_within_15_bits(p_addrn(p_mac(0, (int8_t)four, multiplier), 0, shift));
    four >>= 8;
  }
}

void embed_tokens_xpulp(const void *args, tw_work work) {
  const embed_tokens_xpulp_args *const a = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t at = item / XP_SHARES, part = item % XP_SHARES;
    const int32_t given = a->token[at];
    const int32_t from_front = given < 0 ? given + a->rows : given;
    const int32_t row = p_min(p_max(from_front, 0), a->rows - 1);
    // Products have 23 bits.
    embed(a->table + row * a->length, a->multiplier[row], p_min(a->shift, 30),
          a->length * part / XP_SHARES, a->length * (part + 1) / XP_SHARES, a->y + at * a->length);
  }
}
