#include "rescaled_norm_s8_dsp.h"

#include "dsp_bytes.h"
#include "rescaled_norm_row.h"
#include "tw_arithmetic.h"

typedef struct {
  int32_t sum, squares;
} row_sums;

static inline row_sums sums_of(const int8_t *x, int32_t length) {
  row_sums s = {0, 0};
  for (; length >= 4; length -= 4, x += 4) {
    const uint32_t bytes = dsp_load(x), even = dsp_even(bytes), odd = dsp_odd(bytes);
    s.squares = dsp_both(odd, odd, dsp_both(even, even, s.squares));
    s.sum = dsp_both(odd, 0x00010001, dsp_both(even, 0x00010001, s.sum));
  }
  for (; length > 0; length--, x++) {
    s.sum += *x;
    s.squares += *x * *x;
  }
  return s;
}

void rescaled_norm_s8_dsp(const void *args, tw_work work) {
  const rescaled_norm_s8_dsp_args *const a = args;
  const int32_t length = a->length, output_shift = a->output_shift;
  const rescaled_norm_constants constants = {
      length, a->is_centred, a->x_zero, a->epsilon_high, a->epsilon, a->fraction_bits, a->guard,
  };
  const int8_t *x = a->x + work.start * length;
  int8_t *y = a->y + work.start * length;
  for (int32_t rows = work.stop - work.start; rows > 0; rows--) {
    const row_sums sums = sums_of(x, length);
    const rescaled_norm_row r = rescaled_norm_of(&constants, sums.sum, sums.squares);
    // What does not fit while the terms are apart cancels in their sum.
    const uint32_t factor = (uint32_t)length << r.lift, minus = -((uint32_t)r.centre << r.lift);
    const int32_t *scale = a->scale, *bias = a->bias;
    const int8_t *const end = x + length;
    do {
      const int32_t value = *x++;
      const int32_t lifted = (int32_t)(minus + factor * (uint32_t)value);
      const int32_t normal = dsp_high(lifted, r.reciprocal);
      const int32_t scaled = dsp_add_high(*bias++, normal, *scale++);
      *y++ = (int8_t)dsp_saturate(tw_shift_right(scaled, output_shift));
    } while (x != end);
  }
}
