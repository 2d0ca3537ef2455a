#include "ita.h"
#include "ita_product_walk.h"

void ita_product_added(const void *args, tw_work work) {
  const ita_added_args *const a = args;
  ita_walk *const walk = ita_next();
  uint32_t *const own = walk->own;
  own[WALK_X] = ita_address(a->x);
  own[WALK_W] = ita_address(a->w);
  own[WALK_BIAS] = ita_address(a->bias);
  own[WALK_Y] = ita_address(a->y);
  own[WALK_R] = ita_address(a->r);
  own[WALK_D] = ita_address(a->d);
  own[WALK_COLUMNS] = (uint32_t)a->columns;
  own[WALK_INNER] = (uint32_t)a->inner;
  own[WALK_BY_ROW] = (uint32_t)a->by_row;
  walk->turn = ita_product_row;
  ita_start(walk, a->rows * a->columns * (a->inner + 1), &a->tiles, a->contexts, work.scratch, 0);
}
