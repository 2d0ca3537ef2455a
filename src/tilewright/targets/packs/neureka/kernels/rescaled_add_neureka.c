#include "neureka_start.h"

enum { CHANNELS = 32, ROW_WORDS = 8, HALF = 32, PIXEL = 64 };

/// What lies at the start of scratch; pixels with bytes of both tensors follow.
typedef struct {
  uint32_t copied[CHANNELS * ROW_WORDS];     // weights that copy
  uint32_t summed[CHANNELS * 2 * ROW_WORDS]; // weights of both tensors
  uint32_t ones[CHANNELS / 4];
  uint32_t multipliers[CHANNELS];
  int32_t offsets[CHANNELS];
} add_tables;

/// Bit b of a weight at bit 4 b.
static inline uint32_t planes_of(uint32_t weight) {
  uint32_t planes = 0;
  for (int32_t bit = 0; bit < 8; ++bit) {
    planes |= (weight >> bit & 1) << 4 * bit;
  }
  return planes;
}

/// A weight for each channel's own output; `words`: from one row to the next.
static inline void set_diagonal(uint32_t *rows, int32_t words, uint32_t weight) {
  const uint32_t planes = planes_of(weight);
  for (int32_t channel = 0; channel < CHANNELS; channel += 4) {
    for (uint32_t i = 0; i < 4; ++i) {
      *rows = planes << i;
      rows += words;
    }
    ++rows;
  }
}

static inline void fill_tables(const neureka_add_args *a, add_tables *tables) {
  uint32_t *const words = tables->copied;
  for (int32_t i = 0; i < CHANNELS * 3 * ROW_WORDS; i += 4) {
    words[i] = 0;
    words[i + 1] = 0;
    words[i + 2] = 0;
    words[i + 3] = 0;
  }
  set_diagonal(tables->copied, ROW_WORDS, 1);
  set_diagonal(tables->summed, 2 * ROW_WORDS, (uint32_t)a->a_weight);
  set_diagonal(tables->summed + ROW_WORDS, 2 * ROW_WORDS, (uint32_t)a->b_weight);
  for (int32_t i = 0; i < CHANNELS / 4; ++i) {
    tables->ones[i] = 0x01010101;
  }
  for (int32_t i = 0; i < CHANNELS; ++i) {
    tables->multipliers[i] = (uint32_t)a->multiplier;
    tables->offsets[i] = a->offset;
  }
}

static inline void start_copy(const neureka_add_args *a, const add_tables *tables, const void *from,
                              void *to) {
  const neureka_args copy = {
      .x = from,
      .w = (const uint8_t *)tables->copied,
      .bias = (const int32_t *)tables->ones, // the scales: nothing is added
      .y = to,
      .in_pixel = a->chunk,
      .in_row = a->chunk * a->columns,
      .out_pixel = PIXEL,
      .out_row = PIXEL * a->columns,
      .weight_row = HALF,
      .last_channels = a->chunk << 16 | a->chunk,
      .last_out = a->last_pixels,
      .last_in = a->last_pixels,
      .channel_tiles = 1 << 16 | 1,
      .pixel_tiles = a->pixel_tiles,
      .config = a->copy_config,
  };
  neureka_start(&copy);
}

void rescaled_add_neureka(const void *args, tw_work work) {
  const neureka_add_args *const a = args;
  add_tables *const tables = work.scratch;
  uint8_t *const pixels = (uint8_t *)(tables + 1);
  fill_tables(a, tables);
  start_copy(a, tables, a->a, pixels);
  start_copy(a, tables, a->b, pixels + HALF);
  const neureka_args sum = {
      .x = pixels,
      .w = (const uint8_t *)tables->summed,
      .bias = tables->offsets,
      .y = a->y,
      .scales = -(int32_t)sizeof tables->multipliers, // they lie before the offsets
      .in_pixel = PIXEL,
      .in_row = PIXEL * a->columns,
      .out_pixel = a->chunk,
      .out_row = a->chunk * a->columns,
      .weight_row = 2 * HALF,
      .last_channels = a->last_channels,
      .last_out = a->last_pixels,
      .last_in = a->last_pixels,
      .channel_tiles = 1 << 16 | 2,
      .pixel_tiles = a->pixel_tiles,
      .config = a->config,
  };
  neureka_start(&sum);
}
