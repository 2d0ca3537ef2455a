#include "tile_norm_core.h"

void tile_norm_factors_s8(const void *args, tw_work work) {
  const tile_norm_factors_args *const a = args;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t block = item / TILE, token = item % TILE;
    int8_t *const made = a->y + block * NORM_BYTES;
    int32_t sum = 0, squares = 0;
    for (int32_t channel = 0; channel < a->tiles * TILE; channel++) {
      const int32_t tile = channel / TILE * a->blocks + block;
      const int32_t x = a->x[tile * TILE_BYTES + channel % TILE * TILE + token];
      sum += x;
      squares += x * x;
    }
    for (int32_t i = 0; i < TILE; i++) {
      made[token * TILE + i] = 0;
    }
    made[(NORM_ROWS - 1) * TILE + token] = 0;
    tile_norm_token(a, sum, squares, made, token);
  }
}
