// ITA's arithmetic: one 64x64x64 tile, requantisation, activation, and the softmax that is gathered
// from logits as they leave and applied to them as they come back.
#include "ita.h"

#include <string.h>

enum { GROUP = 16, ONE = 256, SCALE = 65280 }; // 255 * 256

uint8_t *tw_ita_memory(tw_sim *sim, uint32_t offset, uint32_t size) {
  tw_memory *tcdm = &sim->memories[0];
  if (offset >= tcdm->size || size > tcdm->size - offset) {
    tw_raise(sim, NULL, TW_F_NPU_RANGE, offset, size);
    return NULL;
  }
  return tcdm->bytes + offset;
}

static int32_t wrap26(int64_t v) { return (int32_t)((uint32_t)v << 6) >> 6; }
static int32_t clip8(int64_t v) { return v > 127 ? 127 : v < -128 ? -128 : (int32_t)v; }
static int32_t byte_of(const uint32_t *reg, int32_t first, int32_t index) {
  return (int32_t)(reg[first + index / 4] >> (8 * (index % 4)) & 255);
}

// Products have 34 bits: a longer shift leaves nothing but what is added.
static int32_t requantise(int64_t v, int32_t multiplier, int32_t bits, int32_t add) {
  const int32_t shift = bits < 62 ? bits : 62;
  const int64_t half = shift == 0 ? 0 : (int64_t)1 << (shift - 1);
  return clip8(((v * multiplier + half) >> shift) + add);
}

// The power of two that a distance of logits stands for.
static int32_t shift_of(const tw_ita *ita, int32_t distance) {
  return ita->softmax_shift == 0
             ? distance
             : (distance + (1 << (ita->softmax_shift - 1))) >> ita->softmax_shift;
}

static uint32_t halved(uint32_t v, int32_t times) { return times > 31 ? 0 : v >> times; }

// Sixteen logits of a row go into its maximum and its sum.
static void gather(const tw_ita *ita, ita_row *row, const int8_t *logits) {
  int32_t largest = row->largest;
  for (int32_t i = 0; i < GROUP; i++) {
    largest = logits[i] > largest ? logits[i] : largest;
  }
  row->sum = halved(row->sum, shift_of(ita, largest - row->largest));
  for (int32_t i = 0; i < GROUP; i++) {
    row->sum += halved(ONE, shift_of(ita, largest - logits[i]));
  }
  row->largest = largest;
}

// Rows of the input as 16-bit numbers: logits become probabilities in step AV.
static void widen_input(tw_ita *ita, const int8_t *x) {
  for (int32_t r = 0; r < ITA_TILE; r++) {
    const ita_row *row = &ita->rows[r];
    for (int32_t k = 0; k < ITA_TILE; k++) {
      const int8_t v = x[r * ITA_TILE + k];
      ita->x[r * ITA_TILE + k] =
          ita->step == ITA_AV
              ? (int16_t)halved(row->inverse,
                                shift_of(ita, row->largest < v ? 0 : row->largest - v))
              : v;
    }
  }
}

static void widen(const int8_t *from, int16_t *to, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    to[i] = from[i];
  }
}

static int32_t dot(const int16_t *a, const int16_t *b) {
  int32_t sum = 0;
  for (int32_t k = 0; k < ITA_TILE; k++) {
    sum += (int32_t)a[k] * b[k];
  }
  return sum;
}

static void add_products(tw_ita *ita, bool is_first) {
  for (int32_t r = 0; r < ITA_TILE; r++) {
    for (int32_t c = 0; c < ITA_TILE; c++) {
      const int32_t before = is_first ? 0 : ita->sums[r][c];
      ita->sums[r][c] = wrap26((int64_t)before + dot(ita->x + r * ITA_TILE, ita->w + c * ITA_TILE));
    }
  }
}

static int32_t bias_of(const uint8_t *bias, int32_t index) {
  if (bias == NULL) {
    return 0;
  }
  const uint8_t *at = bias + 3 * index;
  return (int32_t)((uint32_t)(at[0] | at[1] << 8 | at[2] << 16) << 8) >> 8;
}

// i-GELU: a second-degree polynomial for erf, clipped at -b.
static int32_t gelu(int32_t q, uint32_t constants) {
  const int32_t b = (int16_t)(constants & 0xffff), c = (int16_t)(constants >> 16);
  const int32_t size = q < 0 ? -q : q;
  const int32_t t = (size < -b ? size : -b) + b;
  const int32_t curve = t * t + c;
  return wrap26((int64_t)q * ((q < 0 ? -curve : curve) + c));
}

static int32_t activate(const uint32_t *reg, int32_t q) {
  const uint32_t scale = reg[ITA_ACTIVATION];
  const int32_t multiplier = (int32_t)(scale & 255), shift = (int32_t)(scale >> 8 & 255);
  const int32_t add = (int8_t)(scale >> 16 & 255);
  switch (reg[ITA_ENGINE] >> 2 & 3) {
  case ITA_GELU_CURVE:
    return requantise(gelu(q, reg[ITA_GELU]), multiplier, shift, add);
  case ITA_RELU:
    return requantise(q > 0 ? q : 0, multiplier, shift, add);
  default:
    return q;
  }
}

static void emit(tw_ita *ita, const uint32_t *reg, const ita_tile_plan *plan, const uint8_t *bias) {
  const int32_t index = plan->requantisation;
  const int32_t multiplier = byte_of(reg, ITA_MULTIPLIERS, index);
  const int32_t shift = byte_of(reg, ITA_SHIFTS, index);
  const int32_t add = (int8_t)byte_of(reg, ITA_ADDS, index);
  const bool by_row = (reg[ITA_STREAM] & ITA_BIAS_ROWS) != 0;
  for (int32_t r = 0; r < ITA_TILE; r++) {
    for (int32_t c = 0; c < ITA_TILE; c++) {
      const int32_t sum = wrap26((int64_t)ita->sums[r][c] + bias_of(bias, by_row ? r : c));
      const int32_t q = requantise(sum, multiplier, shift, add);
      ita->result[r * ITA_TILE + c] = (int8_t)activate(reg, q);
    }
  }
}

static void gather_tile(tw_ita *ita, bool is_last_tile) {
  for (int32_t r = 0; r < ITA_TILE; r++) {
    ita_row *row = &ita->rows[r];
    for (int32_t group = 0; group < ITA_TILE; group += GROUP) {
      gather(ita, row, &ita->result[r * ITA_TILE + group]);
    }
    if (is_last_tile) {
      row->inverse = SCALE / row->sum;
    }
  }
}

bool tw_ita_compute(tw_sim *sim, const uint32_t *reg, const ita_tile_plan *plan) {
  tw_ita *ita = sim->snitch->ita;
  const uint8_t *input = tw_ita_memory(sim, reg[ITA_INPUT], ITA_TILE_BYTES);
  const uint8_t *weights = tw_ita_memory(sim, reg[ITA_WEIGHT], ITA_TILE_BYTES);
  const bool has_bias = (reg[ITA_STREAM] & ITA_NO_BIAS) == 0;
  const uint8_t *bias = has_bias ? tw_ita_memory(sim, reg[ITA_BIAS], 3 * ITA_TILE) : NULL;
  if (input == NULL || weights == NULL || (has_bias && bias == NULL)) {
    return false;
  }
  const bool is_preloaded = (reg[ITA_STREAM] & ITA_PRELOAD) == 0;
  widen(is_preloaded ? ita->first_weights : (const int8_t *)weights, ita->w, ITA_PASS_BYTES);
  widen((const int8_t *)weights + ITA_PASS_BYTES, ita->w + ITA_PASS_BYTES,
        ITA_TILE_BYTES - ITA_PASS_BYTES);
  widen_input(ita, (const int8_t *)input);
  add_products(ita, plan->is_first);
  if (!plan->is_last) {
    return true;
  }
  emit(ita, reg, plan, bias);
  if (ita->step == ITA_QK) {
    if (ita->outer == 0) {
      for (int32_t r = 0; r < ITA_TILE; r++) {
        ita->rows[r] = (ita_row){-128, 0, 0};
      }
    }
    gather_tile(ita, ita->outer == plan->outputs - 1);
  }
  return true;
}
