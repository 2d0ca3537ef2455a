#include "scale_rows.h"

#include <string.h>

#include "scaled_row.h"
#include "square_root.h"

static inline void store_row(const int32_t *wide, int32_t length, int8_t *y) {
  const int32_t factor = tw_scale_row(wide, length, y);
  memcpy(y + length, &factor, sizeof factor);
}

void scale_rows(const void *args, tw_work work) {
  const scale_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int16_t *const x = a->x + row * a->length;
    for (int32_t i = 0; i < a->length; i++) {
      wide[i] = x[i];
    }
    store_row(wide, a->length, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

/// An even e such that total / 2**e is in [2**30, 2**32); total is in [1, 2**53).
static inline int32_t even_exponent(uint64_t total) {
  const uint32_t high = (uint32_t)(total >> 32);
  const int32_t bits = high ? 32 + tw_bit_length(high) : tw_bit_length((uint32_t)total);
  return bits - 32 + (bits & 1);
}

void norm_rows(const void *args, tw_work work) {
  const norm_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int16_t *const x = a->x + row * a->length;
    uint64_t total = ((uint64_t)(uint32_t)a->epsilon_high << 31) + (uint32_t)a->epsilon;
    for (int32_t i = 0; i < a->length; i++) {
      total += (uint32_t)(x[i] * x[i]);
    }
    const int32_t exponent = even_exponent(total);
    const uint64_t square = exponent < 0 ? total << -exponent : total >> exponent;
    const int32_t reciprocal = ((int32_t)1 << 30) / (int32_t)square_root_32((uint32_t)square);
    const int32_t shift = exponent < 0 ? 15 - -exponent / 2 : 15 + exponent / 2;
    for (int32_t i = 0; i < a->length; i++) {
      wide[i] = tw_saturated(tw_rounded(x[i] * reciprocal, shift)) * a->gain[i];
    }
    store_row(wide, a->length, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

void gated_rows(const void *args, tw_work work) {
  const gated_rows_args *const a = args;
  int32_t *const wide = work.scratch;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int16_t *const gate = a->x + row * 2 * a->length;
    const int16_t *const up = gate + a->length;
    for (int32_t i = 0; i < a->length; i++) {
      const uint32_t above = (uint32_t)(gate[i] + 32768);
      const int16_t *const ends = a->curve + (above >> 8);
      const int32_t fraction = (int32_t)(above & 255);
      wide[i] = tw_rounded(ends[0] * (256 - fraction) + ends[1] * fraction, 8) * up[i];
    }
    store_row(wide, a->length, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}
