/// The walk of a product: a row of output tiles after the other.
#pragma once

#include "ita.h"
#include "ita_queue.h"

#include <stddef.h>
#include <string.h>

/// What a call says from its member `tiles` on.
static inline void ita_configure(ita_queue *queue, const void *args, size_t tiles) {
  memcpy(queue->same, (const uint8_t *)args + tiles, sizeof queue->same);
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
