#include "tile_norm_rv32.h"

#include "tile_norm_core.h"

enum { BYTES = 256, GROUP_ROWS = 16, SQUARE_BITS = 20, LOWEST = -128 };

/// For each byte its square, and above it the byte less the lowest one: sums of eight keep apart.
static void fill_squares(uint32_t *table) {
  uint32_t square = 128 * 128, difference = 255; // without a product
  uint32_t *at = table + 128;                    // from -128 on, and then from 0
  do {
#pragma GCC unroll 16
    for (int32_t i = 0; i < 16; i++) {
      at[i] = square;
      square += (UINT32_C(1) << SQUARE_BITS) - difference;
      difference -= 2;
    }
    at += 16;
    at = at == table + BYTES ? table : at;
  } while (at != table + 128);
}

/// Half of the squares come from the multiplier, which takes one a cycle for all cores, half from a
/// table.
void tile_norm_factors_rv32(const void *args, tw_work work) {
  const tile_norm_factors_args *const a = args;
  uint32_t *const table = work.scratch;
  fill_squares(table);
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t block = item / TILE, token = item % TILE;
    int8_t *const made = a->y + block * NORM_BYTES;
    int32_t sum = 0, squares = 0;
    for (int32_t tile = 0; tile < a->tiles; tile++) {
      const int8_t *at = a->x + (tile * a->blocks + block) * TILE_BYTES + token;
      const int8_t *const end = at + TILE_BYTES;
      do {
        uint32_t both = 0;
#pragma GCC unroll 8
        for (int32_t row = 0; row < GROUP_ROWS; row += 2) {
          const int32_t x = at[row * TILE];
          sum += x;
          squares += x * x;
          both += table[(uint8_t)at[(row + 1) * TILE]];
        }
        squares += (int32_t)(both & ((UINT32_C(1) << SQUARE_BITS) - 1));
        sum += (int32_t)(both >> SQUARE_BITS) + GROUP_ROWS / 2 * LOWEST;
        at += GROUP_ROWS * TILE;
      } while (at != end);
    }
    uint32_t *const zeros = (uint32_t *)(void *)(made + token * TILE);
#pragma GCC unroll 16
    for (int32_t i = 0; i < TILE / 4; i++) {
      zeros[i] = 0;
    }
    made[(NORM_ROWS - 1) * TILE + token] = 0;
    tile_norm_token(a, sum, squares, made, token);
  }
}
