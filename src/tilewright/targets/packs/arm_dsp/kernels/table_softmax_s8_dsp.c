/// Softmax row by row.
#include "quick_loops.h"

#include "dsp_requantise.h"
#include "softmax_row.h"
#include "table_softmax_s8_dsp.h"

/// e * factor / 2**(32 + shift), ties up, plus the zero point, saturated; none is negative.
DSP_INLINE int32_t table_softmax_half_up(int32_t e, const dsp_scale *s) {
  const int64_t half = (int64_t)1 << (31 + s->shift);
  const int32_t high = (int32_t)(((int64_t)e * s->multiplier + half) >> 32);
  return tw_min((high >> s->shift) + s->zero, 127);
}

static inline void table_softmax_s8_dsp_core(const void *args, tw_work work, tw_rounding rounding) {
  const table_softmax_s8_dsp_args *const a = args;
  const int32_t length = a->length, *const table = a->table;
  const int8_t *x = a->x + work.start * length;
  int8_t *y = a->y + work.start * length;
  for (int32_t rows = work.stop - work.start; rows > 0; rows--) {
    const int32_t *const from = table + softmax_largest(x, length);
    const int32_t sum = softmax_sum(x, length, from, 0);
    const uint64_t whole = (uint64_t)(uint32_t)a->multiplier << a->bits;
    const dsp_scale scale = {(int32_t)(whole / (uint32_t)sum), a->shift + a->bits - 32, a->y_zero};
    const int8_t *const end = x + length;
    do {
      const int32_t e = *(from - *x++);
      *y++ = (int8_t)(rounding == TW_ROUND_HALF_UP ? table_softmax_half_up(e, &scale)
                                                   : dsp_rescale_half_even(e, &scale));
    } while (x != end);
  }
  dsp_clip(a->y + work.start * length, (work.stop - work.start) * length, a->low, a->high);
}

void table_softmax_s8_dsp_half_even(const void *args, tw_work work) {
  table_softmax_s8_dsp_core(args, work, TW_ROUND_HALF_EVEN);
}

void table_softmax_s8_dsp_half_up(const void *args, tw_work work) {
  table_softmax_s8_dsp_core(args, work, TW_ROUND_HALF_UP);
}
