#include "tile_norm_core.h"

void tile_normed_s8(const void *args, tw_work work) {
  const tile_normed_args *const a = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t block = item / TILE, row = item % TILE;
    const int8_t *const factors = a->n + block * NORM_BYTES;
    const int32_t bias = tile_bias((const uint8_t *)factors + TILE_BYTES, row);
    for (int32_t tile = 0; tile < a->tiles; tile++) {
      const int8_t *const x = a->x + (tile * a->blocks + block) * TILE_BYTES;
      int8_t *const y = a->y + (block * a->tiles + tile) * TILE_BYTES + row * TILE;
      for (int32_t c = 0; c < TILE; c++) {
        const int32_t sum = tile_dot(factors + row * TILE, x + c * TILE, 1, 0, 0) + bias;
        y[c] = (int8_t)tile_scale(tile_wrap(sum), a->multiplier, a->shift, a->add);
      }
    }
  }
}
