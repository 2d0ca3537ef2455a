#include "tile_attention_core.h"

void tile_attention_masked_s8(const void *args, tw_work work) {
  const tile_masked_args *const a = args;
  const tile_attention_args plain = {
      .q = a->q,
      .k = a->k,
      .v = a->v,
      .y = a->y,
      .rows = a->rows,
      .heads = a->heads,
      .depth = a->depth,
      .keys = a->keys,
      .multiplier = a->multiplier,
      .shift = a->shift,
      .add = a->add,
      .values_multiplier = a->values_multiplier,
      .values_shift = a->values_shift,
      .values_add = a->values_add,
      .softmax_shift = a->softmax_shift,
  };
  tile_attention_rows(&plain, a->mask, work);
}
