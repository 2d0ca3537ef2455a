#include "ita.h"
#include "ita_queue.h"

/// Words of the queue that belong to the walk; sizes in bytes of tiles.
enum { WALK_Q, WALK_K, WALK_V, WALK_Y, WALK_LOGITS, WALK_ROWS, WALK_DEPTH, WALK_KEYS, WALK_ALL };

/// Sweeps alternate: a row of logits, then the values that they weigh; row by row, head by head.
static void attention_turn(ita_queue *queue) {
  const uint32_t *const own = queue->own;
  const uint32_t depth = own[WALK_DEPTH], keys = own[WALK_KEYS], all = own[WALK_ALL];
  uint32_t head = 0, row = (uint32_t)queue->sweeps >> 1; // no division
  while (row >= own[WALK_ROWS]) {
    row -= own[WALK_ROWS];
    head++;
  }
  ita_sweep *const sweep = &queue->sweep;
  sweep->x_inner = ITA_TILE_BYTES;
  sweep->w_inner = ITA_TILE_BYTES;
  sweep->y_output = ITA_TILE_BYTES;
  sweep->more_x = 0;
  sweep->bias_output = 0;
  sweep->at.bias = ITA_MEMORY; // not read
  sweep->flags = ITA_NO_BIAS;
  if ((queue->sweeps & 1) == 0) {
    sweep->at.x = own[WALK_Q] + row * all + head * depth;
    sweep->at.w = own[WALK_K] + head * depth;
    sweep->at.y = own[WALK_LOGITS];
    sweep->inner = (int32_t)(depth / ITA_TILE_BYTES);
    sweep->outputs = (int32_t)(keys / ITA_TILE_BYTES);
    sweep->w_output = all;
  } else {
    sweep->at.x = own[WALK_LOGITS];
    sweep->at.w = own[WALK_V] + head * (depth / ITA_TILE_BYTES) * keys;
    sweep->at.y = own[WALK_Y] + row * all + head * depth;
    sweep->inner = (int32_t)(keys / ITA_TILE_BYTES);
    sweep->outputs = (int32_t)(depth / ITA_TILE_BYTES);
    sweep->w_output = keys;
  }
}

void ita_attention(const void *args, tw_work work) {
  const ita_attention_args *const a = args;
  ita_queue *const queue = &tw_ita_queue;
  uint32_t *const own = queue->own;
  ita_settle(queue, args, offsetof(ita_attention_args, tiles));
  own[WALK_Q] = ita_address(a->q);
  own[WALK_K] = ita_address(a->k);
  own[WALK_V] = ita_address(a->v);
  own[WALK_Y] = ita_address(a->y);
  own[WALK_LOGITS] = ita_address(work.scratch);
  own[WALK_ROWS] = (uint32_t)a->rows;
  own[WALK_DEPTH] = (uint32_t)a->depth * ITA_TILE_BYTES;
  own[WALK_KEYS] = (uint32_t)a->keys * ITA_TILE_BYTES;
  own[WALK_ALL] = (uint32_t)(a->heads * a->depth) * ITA_TILE_BYTES;
  queue->turn = attention_turn;
  ita_start(queue, 2 * a->rows * a->heads * a->depth * a->keys, a->contexts);
}
