#include "ita.h"
#include "ita_queue.h"

enum { BLOCK_BYTES = ITA_TILE_BYTES + 256 };

/// Words of the walk that are its own.
enum { WALK_N, WALK_X, WALK_Y, WALK_BLOCKS, WALK_COLUMNS };

/// A sweep is a block of tokens.
static void normed_block(ita_walk *walk) {
  const uint32_t *const own = walk->own;
  const uint32_t block = (uint32_t)walk->sweeps;
  ita_sweep *const sweep = &walk->sweep;
  sweep->at.x = own[WALK_N] + block * BLOCK_BYTES;
  sweep->at.w = own[WALK_X] + block * ITA_TILE_BYTES;
  sweep->at.bias = sweep->at.x + ITA_TILE_BYTES;
  sweep->at.y = own[WALK_Y] + block * own[WALK_COLUMNS] * ITA_TILE_BYTES;
  sweep->inner = 1;
  sweep->outputs = (int32_t)own[WALK_COLUMNS];
  sweep->w_output = own[WALK_BLOCKS] * ITA_TILE_BYTES;
  sweep->y_output = ITA_TILE_BYTES;
  sweep->bias_output = 0;
  sweep->more_x = 0;
  sweep->flags = ITA_BIAS_ROWS;
}

void ita_normed(const void *args, tw_work work) {
  const ita_normed_args *const a = args;
  ita_walk *const walk = ita_next();
  uint32_t *const own = walk->own;
  (void)work; // one item: the whole walk
  own[WALK_N] = ita_address(a->n);
  own[WALK_X] = ita_address(a->x);
  own[WALK_Y] = ita_address(a->y);
  own[WALK_BLOCKS] = (uint32_t)a->blocks;
  own[WALK_COLUMNS] = (uint32_t)a->columns;
  walk->turn = normed_block;
  ita_start(walk, a->blocks * a->columns, &a->tiles, a->contexts, 0, 0);
}
