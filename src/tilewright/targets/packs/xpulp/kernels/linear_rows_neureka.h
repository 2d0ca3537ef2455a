/// Linear layers on scaled rows by N-EUREKA and the eight cores of the cluster at the same time;
/// the meaning is LinearRows in src/tilewright/ops/llm/linear.py.
///
/// The engine makes the sums of some outputs while the cores finish those of the outputs before.
/// Calls have eight work items, one for each core. Together they need 12 * rows * part bytes of
/// scratch, an eighth each, and what they get has to be one piece: three buffers of sums.
#pragma once

#include "tilewright.h"

typedef struct {
  const int8_t *x;           // [rows][inputs + 4]: elements and a factor
  const uint8_t *w;          // as the engine reads them
  const int16_t *multiplier; // [outputs]
  const int16_t *residual;   // [rows][outputs], added; may be null
  int16_t *y;                // [rows][outputs]
  int32_t rows, inputs, outputs;
  int32_t sum_shift; // 0 to 62; sums times multipliers fit 30 bits behind it
  int32_t shift;     // 17 to 62
  int32_t part;      // outputs at a time, a multiple of 32
  int32_t pixel;     // bytes from one pixel to the next
  int32_t weight_row;
  int32_t last_inputs, input_tiles;
  int32_t weight_offset, config;
} linear_neureka_args;

/// Every row is a pixel.
void linear_rows_neureka(const void *args, tw_work work);

/// The only row is an image of three by three pixels.
void linear_vector_neureka(const void *args, tw_work work);
