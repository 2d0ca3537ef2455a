#include "lstm_sequence.h"

#include "fixed_16.h"

enum { GATE_BITS = 3 }; // integer bits of the gates' sums

/// What the inputs and the hidden state `h`, elements `h_bytes` wide, give all gates of a step.
static void lstm_gates(const lstm_sequence_args *a, const int16_t *given, const void *h,
                       int32_t is_first, int16_t *gates) {
  for (int32_t o = 0; o < 4 * a->size; o++) {
    const int8_t *const w = a->w + o * a->size;
    int32_t sum = a->bias[o];
    for (int32_t i = 0; i < a->size; i++) {
      sum += w[i] * (is_first ? ((const int8_t *)h)[i] : ((const int16_t *)h)[i]);
    }
    const int32_t scaled = tw_rescale(sum, a->multiplier[o], a->shift[o], TW_ROUND_DOUBLE);
    gates[o] = (int16_t)saturated_16(given[o] + scaled);
  }
}

static int32_t lstm_cell(const lstm_sequence_args *a, const int16_t *gates, int32_t before) {
  const int32_t kept = tw_rounding_shift_right(logistic_16(gates[a->size], GATE_BITS) * before, 15);
  const int32_t product = logistic_16(gates[0], GATE_BITS) * tanh_16(gates[2 * a->size], GATE_BITS);
  const int32_t added = (int16_t)tw_rounding_shift_right(product, 30 - a->cell_bits);
  const int32_t cell = saturated_16(kept + added);
  return a->cell_clip == 0 ? cell : tw_clip(cell, -a->cell_clip, a->cell_clip);
}

static int32_t lstm_hidden(const lstm_sequence_args *a, const int16_t *gates, int32_t cell) {
  const int32_t leave = logistic_16(gates[3 * a->size], GATE_BITS);
  const int32_t made = leave * tanh_16(cell, 15 - a->cell_bits);
  const int32_t scaled = tw_rescale(made, a->multiplier_h, a->shift_h, TW_ROUND_DOUBLE);
  return tw_clip(scaled + a->zero_h, INT8_MIN, INT8_MAX);
}

void lstm_sequence(const void *args, tw_work work) {
  const lstm_sequence_args *const a = args;
  int16_t *const gates = work.scratch;
  const int32_t row = a->batch * a->size;
  int16_t *const cells = a->y + a->steps * row;
  if (work.start >= work.stop) {
    return;
  }
  for (int32_t i = 0; i < row; i++) {
    cells[i] = a->c[i];
  }
  for (int32_t at = 0; at < a->steps * a->batch; at++) {
    const int32_t is_first = at < a->batch, first = at % a->batch * a->size;
    int16_t *const y = a->y + at * a->size;
    const void *const h = is_first ? (const void *)(a->h + first) : (const void *)(y - row);
    lstm_gates(a, a->gates + at * 4 * a->size, h, is_first, gates);
    for (int32_t i = 0; i < a->size; i++) {
      cells[first + i] = (int16_t)lstm_cell(a, gates + i, cells[first + i]);
      y[i] = (int16_t)lstm_hidden(a, gates + i, cells[first + i]);
    }
  }
}
