#include "embed_tokens.h"

#include "scaled_row.h"

void embed_tokens(const void *args, tw_work work) {
  const embed_tokens_args *const a = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t given = a->token[item];
    const int32_t from_front = given < 0 ? given + a->rows : given;
    const int32_t row = tw_clip(from_front, 0, a->rows - 1);
    const int8_t *const x = a->table + row * a->length;
    const int32_t multiplier = a->multiplier[row];
    int16_t *const y = a->y + item * a->length;
    for (int32_t i = 0; i < a->length; i++) {
      y[i] = tw_saturated(tw_rounded_64(x[i] * multiplier, a->shift));
    }
  }
}
