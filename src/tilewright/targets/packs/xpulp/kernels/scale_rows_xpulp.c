#include "scale_rows_xpulp.h"

#include "scaled_row_xpulp.h"
#include "square_root.h"

/// How a call's rows are shared: whole rows for each core, or a part of every row.
typedef struct {
  int32_t row, stop; // rows that this core has to do with
  int32_t meets;     // whether they are the others' as well
  xp_part part;      // of each of them
} share;

static inline share share_of(int32_t rows, int32_t length, tw_work work) {
  if (rows >= XP_SHARES) {
    return (share){rows * work.start >> 3, rows * work.stop >> 3, 0, {0, length}};
  }
  return (share){0, rows, 1, xp_part_of(length, work)};
}

/// Bytes of a row's part from its wide numbers, and the factor behind the row; `peak` is the
/// part's.
static inline void store_part(const share *s, int32_t peak, int32_t length, tw_work work,
                              int8_t *y) {
  const xp_scale by = xp_scale_of(s->meets ? xp_largest(peak, work.core) : peak);
  xp_scale_part(work.scratch, s->part.stop - s->part.start, &by, y + s->part.start);
  if (s->part.stop == length) {
    memcpy(y + length, &by.factor, sizeof by.factor);
  }
  if (s->meets) {
    xp_meet(); // before the next row's numbers are told
  }
}

void scale_rows_xpulp(const void *args, tw_work work) {
  const scale_rows_xpulp_args *const a = args;
  int32_t *const wide = work.scratch;
  const share s = share_of(a->rows, a->length, work);
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const x = a->x + row * a->length + s.part.start;
    const int32_t count = s.part.stop - s.part.start;
    int32_t peak = 0;
    for (int32_t i = 0; i < count; i++) {
      wide[i] = x[i];
      peak = p_max(peak, xp_abs(x[i]));
    }
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

/// Squares of pairs stay below 2**31.
static inline uint64_t sum_of_squares(const int16_t *x, int32_t n) {
  uint64_t total = 0;
  for (int32_t i = 0; i < n; i++) {
    total += (uint32_t)(x[i] * x[i]);
  }
  return total;
}

/// What a row is multiplied with, and how far it is shifted then; total is in [1, 2**53).
typedef struct {
  int32_t reciprocal, shift;
} unit_scale;

static inline unit_scale unit_scale_of(uint64_t total) {
  const uint32_t high = (uint32_t)(total >> 32);
  const int32_t bits = high ? 32 + xp_bit_length(high) : xp_bit_length((uint32_t)total);
  const int32_t exponent = bits - 32 + (bits & 1); // even: total / 2**exponent is in [2**30, 2**32)
  const uint32_t square = (uint32_t)(exponent < 0 ? total << -exponent : total >> exponent);
  const int32_t reciprocal = ((int32_t)1 << 30) / (int32_t)square_root_32(square);
  return (unit_scale){reciprocal, exponent < 0 ? 15 - -exponent / 2 : 15 + exponent / 2};
}

void norm_rows_xpulp(const void *args, tw_work work) {
  const norm_rows_xpulp_args *const a = args;
  int32_t *const wide = work.scratch;
  const share s = share_of(a->rows, a->length, work);
  const uint64_t epsilon = ((uint64_t)(uint32_t)a->epsilon_high << 31) + (uint32_t)a->epsilon;
  const int16_t *const gain = a->gain + s.part.start;
  const int32_t count = s.part.stop - s.part.start;
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const x = a->x + row * a->length + s.part.start;
    const uint64_t squares = sum_of_squares(x, count);
    const uint64_t total = s.meets ? xp_total(squares, work.core) : squares;
    const unit_scale by = unit_scale_of(total + epsilon);
    int32_t peak = 0;
    for (int32_t i = 0; i < count; i++) {
      const int32_t unit = p_addrn(p_mac(0, x[i], by.reciprocal), 0, by.shift);
      wide[i] = p_mac(0, xp_within_15_bits(unit), gain[i]);
      peak = p_max(peak, xp_abs(wide[i]));
    }
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

void gated_rows_xpulp(const void *args, tw_work work) {
  const gated_rows_xpulp_args *const a = args;
  int32_t *const wide = work.scratch;
  const share s = share_of(a->rows, a->length, work);
  const int32_t count = s.part.stop - s.part.start;
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const gate = a->x + row * 2 * a->length + s.part.start;
    const int16_t *const up = gate + a->length;
    int32_t peak = 0;
    for (int32_t i = 0; i < count; i++) {
      const int32_t above = gate[i] + 32768;
      const int16_t *const ends = a->curve + (above >> 8);
      const int32_t fraction = above & 255;
      // Between the ends: rounded(low * 256 + (high - low) * fraction, 8).
      const int32_t between = p_mac((ends[0] << 8) + 128, ends[1] - ends[0], fraction) >> 8;
      wide[i] = p_mac(0, between, up[i]);
      peak = p_max(peak, xp_abs(wide[i]));
    }
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}
