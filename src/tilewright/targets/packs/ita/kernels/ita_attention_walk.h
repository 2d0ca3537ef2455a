/// The walk of attention.
#pragma once

#include "ita.h"
#include "ita_queue.h"

/// Words of the walk that are its own; sizes in bytes of tiles. No mask: 0.
enum {
  WALK_Q,
  WALK_K,
  WALK_V,
  WALK_Y,
  WALK_LOGITS,
  WALK_ROWS,
  WALK_DEPTH,
  WALK_KEYS,
  WALK_ALL,
  WALK_MASK
};

/// Sweeps alternate: a row of logits, then the values that they weigh; row by row, head by head.
static inline void ita_attention_turn(ita_walk *walk) {
  const uint32_t *const own = walk->own;
  const uint32_t depth = own[WALK_DEPTH], keys = own[WALK_KEYS], all = own[WALK_ALL];
  uint32_t head = 0, row = (uint32_t)walk->sweeps >> 1; // no division
  while (row >= own[WALK_ROWS]) {
    row -= own[WALK_ROWS];
    head++;
  }
  ita_sweep *const sweep = &walk->sweep;
  sweep->y_output = ITA_TILE_BYTES;
  sweep->more_x = 0;
  if ((walk->sweeps & 1) == 0) {
    sweep->at.x = own[WALK_Q] + row * all + head * depth;
    sweep->at.w = own[WALK_K] + head * depth;
    sweep->at.y = own[WALK_LOGITS];
    sweep->inner = (int32_t)(depth / ITA_TILE_BYTES);
    sweep->outputs = (int32_t)(keys / ITA_TILE_BYTES);
    sweep->w_output = all;
    sweep->bias_output = ITA_BIAS_BYTES;
    sweep->at.bias = own[WALK_MASK];
    sweep->flags = own[WALK_MASK] == 0 ? ITA_NO_BIAS : 0;
  } else {
    sweep->at.x = own[WALK_LOGITS];
    sweep->at.w = own[WALK_V] + head * (depth / ITA_TILE_BYTES) * keys;
    sweep->at.y = own[WALK_Y] + row * all + head * depth;
    sweep->inner = (int32_t)(keys / ITA_TILE_BYTES);
    sweep->outputs = (int32_t)(depth / ITA_TILE_BYTES);
    sweep->w_output = keys;
    sweep->bias_output = 0;
    sweep->at.bias = 0; // not read
    sweep->flags = ITA_NO_BIAS;
  }
}

/// Starts a walk whose addresses are set. `said`: its registers; `sizes`: rows, heads, depth, keys.
/// The engine counts as many rows as there are tiles of keys before it is through with a layer.
static inline void ita_attention_walk(ita_walk *walk, const void *said, const int32_t *sizes,
                                      int32_t contexts, tw_work work) {
  uint32_t *const own = walk->own;
  const int32_t rows = sizes[0], heads = sizes[1], depth = sizes[2], keys = sizes[3];
  own[WALK_LOGITS] = ita_address(work.scratch);
  own[WALK_ROWS] = (uint32_t)rows;
  own[WALK_DEPTH] = (uint32_t)depth * ITA_TILE_BYTES;
  own[WALK_KEYS] = (uint32_t)keys * ITA_TILE_BYTES;
  own[WALK_ALL] = (uint32_t)(heads * depth) * ITA_TILE_BYTES;
  walk->turn = ita_attention_turn;
  ita_start(walk, 2 * rows * heads * depth * keys, said, contexts, 0, rows * heads % keys != 0);
}
