#include "packed_rows.h"

#include "linear_rows_finish.h"

enum { GROUP = 32, BLOCK = 64 };

/// The sum of products of one row; `w`: as it lies in memory.
typedef int32_t packed_dot(const int8_t *x, const uint8_t *w, int32_t n);

/// A number in two's complement whose sign bit is worth `sign`.
static inline int8_t signed_weight(uint32_t bits, uint32_t sign) {
  return (int8_t)((int32_t)(bits ^ sign) - (int32_t)sign);
}

static inline int32_t dot(const int8_t *x, const int8_t *weights, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) {
    sum += x[i] * weights[i];
  }
  return sum;
}

static inline int32_t dot_4(const int8_t *x, const uint8_t *w, int32_t n) {
  const uint8_t *multiple = w + n / GROUP * (GROUP / 2) + (n % GROUP + 1) / 2;
  int32_t total = 0;
  for (; n > 0; n -= GROUP, x += GROUP, w += GROUP / 2) {
    const int32_t count = tw_min(n, GROUP);
    const int32_t run = (count + 1) / 2;
    int8_t weights[GROUP];
    for (int32_t i = 0; i < run; i++) {
      weights[i] = signed_weight(w[i] & 15, 8);
      weights[run + i] = signed_weight((uint32_t)w[i] >> 4, 8);
    }
    total += dot(x, weights, count) * *multiple++;
  }
  return total;
}

static inline int32_t dot_6(const int8_t *x, const uint8_t *w, int32_t n) {
  int32_t total = 0;
  for (; n > 0; n -= BLOCK, x += BLOCK, w += BLOCK / 4 * 3) {
    const int32_t count = tw_min(n, BLOCK);
    const int32_t run = (count + 3) / 4;
    int8_t weights[BLOCK];
    for (int32_t i = 0; i < run; i++) {
      const uint32_t a = w[i], b = w[run + i], c = w[2 * run + i];
      weights[i] = signed_weight(a >> 2, 32);
      weights[run + i] = signed_weight(b >> 2, 32);
      weights[2 * run + i] = signed_weight(c >> 2, 32);
      weights[3 * run + i] = signed_weight((a & 3) | (b & 3) << 2 | (c & 3) << 4, 32);
    }
    total += dot(x, weights, count);
  }
  return total;
}

static inline void linear(packed_dot *dot_row, const packed_rows_args *a, const int16_t *residual,
                          tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    const linear_finish finish = linear_finish_of(x + a->inputs, a->sum_shift, a->shift);
    for (int32_t item = work.start; item < work.stop; item++) {
      const int32_t sum = dot_row(x, a->w + item * a->row_bytes, a->inputs);
      const int64_t made = linear_finished(&finish, sum, a->multiplier[item]);
      const int32_t at = row * a->outputs + item;
      a->y[at] = tw_saturated(residual ? made + residual[at] : made);
    }
  }
}

static inline void linear_add(packed_dot *dot_row, const packed_rows_add_args *a, tw_work work) {
  const packed_rows_args rows = {
      .x = a->x,
      .w = a->w,
      .multiplier = a->multiplier,
      .y = a->y,
      .rows = a->rows,
      .inputs = a->inputs,
      .outputs = a->outputs,
      .row_bytes = a->row_bytes,
      .sum_shift = a->sum_shift,
      .shift = a->shift,
  };
  linear(dot_row, &rows, a->residual, work);
}

void linear_rows_w4(const void *args, tw_work work) { linear(dot_4, args, 0, work); }

void linear_rows_w4_add(const void *args, tw_work work) { linear_add(dot_4, args, work); }

void linear_rows_w6(const void *args, tw_work work) { linear(dot_6, args, 0, work); }

void linear_rows_w6_add(const void *args, tw_work work) { linear_add(dot_6, args, work); }
