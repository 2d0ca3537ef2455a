/// Long short-term memory over a sequence; the meaning is LstmSequence in
/// src/tilewright/ops/lstm.py.
#pragma once

#include "tilewright.h"

/// One work item: steps need each other.
typedef struct {
  const int16_t *gates;      // [steps][batch][4 * size], Q3.12: of input, forget, cell, output
  const int8_t *w;           // [4 * size][size]
  const int32_t *bias;       // [4 * size]
  const int32_t *multiplier; // [4 * size]
  const int8_t *shift;       // [4 * size]
  const int8_t *h;           // [batch][size] before the first step
  const int16_t *c;          // [batch][size]
  int16_t *y;                // [steps + 1][batch][size]: hidden states, then cells
  int32_t steps, batch, size;
  int32_t cell_bits;                     // fractional bits of cells
  int32_t cell_clip;                     // largest magnitude of a cell; 0: none
  int32_t multiplier_h, shift_h, zero_h; // from output gate times tanh to the hidden state
} lstm_sequence_args;

/// Scratch: [4 * size] int16, the gates of one step.
void lstm_sequence(const void *args, tw_work work);
