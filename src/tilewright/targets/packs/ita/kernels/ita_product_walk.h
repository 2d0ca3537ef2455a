/// The walk of a product: a row of output tiles after the other.
#pragma once

#include "ita_queue.h"

/// Words of the walk that are its own.
enum { WALK_X, WALK_W, WALK_BIAS, WALK_Y, WALK_R, WALK_D, WALK_COLUMNS, WALK_INNER, WALK_BY_ROW };

/// The sweep of row number `walk->sweeps`; where WALK_R is not 0, with what is added.
static __attribute__((unused)) void ita_product_row(ita_walk *walk) {
  const uint32_t *const own = walk->own;
  const uint32_t row = (uint32_t)walk->sweeps;
  const uint32_t inner = own[WALK_INNER] * ITA_TILE_BYTES;
  const uint32_t columns = own[WALK_COLUMNS] * ITA_TILE_BYTES;
  const uint32_t by_row = own[WALK_BY_ROW], r = own[WALK_R];
  ita_sweep *const sweep = &walk->sweep;
  sweep->at.x = own[WALK_X] + row * inner;
  sweep->at.w = own[WALK_W];
  sweep->at.bias = by_row != 0 ? own[WALK_BIAS] + row * ITA_BIAS_BYTES : own[WALK_BIAS];
  sweep->at.y = own[WALK_Y] + row * columns;
  sweep->inner = (int32_t)own[WALK_INNER] + (r != 0 ? 1 : 0);
  sweep->outputs = (int32_t)own[WALK_COLUMNS];
  sweep->w_output = inner;
  sweep->y_output = ITA_TILE_BYTES;
  sweep->bias_output = by_row != 0 ? 0 : ITA_BIAS_BYTES;
  sweep->more_x = r != 0 ? r + row * columns : 0;
  sweep->more_w = own[WALK_D];
  sweep->flags = by_row != 0 ? ITA_BIAS_ROWS : 0;
}
