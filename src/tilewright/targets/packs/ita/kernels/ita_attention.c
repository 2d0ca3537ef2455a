#include "ita_product_walk.h"

/// Sweeps alternate: a row of logits, then the values that they weigh; row by row, head by head.
static void attention_turn(ita_queue *queue) {
  const ita_attention_args *const a = &queue->call.attention;
  const uint32_t step = (uint32_t)queue->sweeps >> 1;
  uint32_t head = 0, row = step; // no division
  while (row >= (uint32_t)a->rows) {
    row -= (uint32_t)a->rows;
    head++;
  }
  const uint32_t depth = (uint32_t)a->depth * ITA_TILE_BYTES;
  const uint32_t keys = (uint32_t)a->keys * ITA_TILE_BYTES;
  const uint32_t whole = (uint32_t)a->heads * depth;
  const uint32_t logits = ita_address(queue->logits);
  ita_sweep *const sweep = &queue->sweep;
  *sweep = (ita_sweep){
      .x_inner = ITA_TILE_BYTES,
      .w_inner = ITA_TILE_BYTES,
      .y_output = ITA_TILE_BYTES,
      .flags = ITA_NO_BIAS,
  };
  if ((queue->sweeps & 1) == 0) {
    sweep->at.x = ita_address(a->q) + row * whole + head * depth;
    sweep->at.w = ita_address(a->k) + head * depth;
    sweep->at.y = logits;
    sweep->inner = a->depth;
    sweep->outputs = a->keys;
    sweep->w_output = whole;
  } else {
    sweep->at.x = logits;
    sweep->at.w = ita_address(a->v) + head * (uint32_t)a->depth * keys;
    sweep->at.y = ita_address(a->y) + row * whole + head * depth;
    sweep->inner = a->keys;
    sweep->outputs = a->depth;
    sweep->w_output = keys;
  }
  sweep->at.bias = ITA_MEMORY; // not read
}

void ita_attention(const void *args, tw_work work) {
  const ita_attention_args *const a = args;
  ita_queue *const queue = &tw_ita_queue;
  queue->call.attention = *a;
  ita_configure(queue, a->tiles,
                (const int32_t[]){a->multipliers, a->multipliers_4, a->shifts, a->shifts_4, a->adds,
                                  a->adds_4},
                (const int32_t[]){a->engine, a->gelu, a->activation});
  queue->logits = work.scratch;
  queue->turn = attention_turn;
  ita_start(queue, 2 * a->rows * a->heads * a->depth * a->keys, a->contexts);
}
