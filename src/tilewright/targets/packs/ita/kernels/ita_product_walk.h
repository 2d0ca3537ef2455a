/// The walk of a product: a row of output tiles after the other.
#pragma once

#include "ita.h"
#include "ita_queue.h"

/// What all jobs of a call say.
static inline void ita_configure(ita_queue *queue, int32_t tiles, const int32_t scales[6],
                                 const int32_t curve[3]) {
  uint32_t *const same = queue->same;
  same[0] = (uint32_t)tiles;
  for (int32_t i = 0; i < 6; ++i) {
    same[1 + i] = (uint32_t)scales[i];
  }
  for (int32_t i = 0; i < 3; ++i) {
    same[7 + i] = (uint32_t)curve[i];
  }
}

/// Sweep number `row`; `r` is 0 where nothing is added.
static inline void ita_product_row(ita_queue *queue, const ita_product_args *a, uint32_t r,
                                   uint32_t d) {
  const uint32_t row = (uint32_t)queue->sweeps;
  const uint32_t inner = (uint32_t)a->inner * ITA_TILE_BYTES;
  const uint32_t columns = (uint32_t)a->columns * ITA_TILE_BYTES;
  ita_sweep *const sweep = &queue->sweep;
  const uint32_t bias = ita_address(a->bias);
  sweep->at.x = ita_address(a->x) + row * inner;
  sweep->at.w = ita_address(a->w);
  sweep->at.bias = a->by_row != 0 ? bias + row * ITA_BIAS_BYTES : bias;
  sweep->at.y = ita_address(a->y) + row * columns;
  sweep->inner = a->inner + (r != 0 ? 1 : 0);
  sweep->outputs = a->columns;
  sweep->x_inner = ITA_TILE_BYTES;
  sweep->w_inner = ITA_TILE_BYTES;
  sweep->w_output = inner;
  sweep->y_output = ITA_TILE_BYTES;
  sweep->bias_output = a->by_row != 0 ? 0 : ITA_BIAS_BYTES;
  sweep->more_x = r != 0 ? r + row * columns : 0;
  sweep->more_w = d;
  sweep->flags = a->by_row != 0 ? ITA_BIAS_ROWS : 0;
}
