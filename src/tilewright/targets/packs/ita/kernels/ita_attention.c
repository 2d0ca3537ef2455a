#include "ita_attention_walk.h"

void ita_attention(const void *args, tw_work work) {
  const ita_attention_args *const a = args;
  ita_walk *const walk = ita_next();
  uint32_t *const own = walk->own;
  own[WALK_Q] = ita_address(a->q);
  own[WALK_K] = ita_address(a->k);
  own[WALK_V] = ita_address(a->v);
  own[WALK_Y] = ita_address(a->y);
  own[WALK_MASK] = 0;
  ita_attention_walk(walk, &a->tiles, &a->rows, a->contexts, work);
}
