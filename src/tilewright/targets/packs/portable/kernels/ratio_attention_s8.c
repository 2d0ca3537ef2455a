#include "ratio_attention_s8.h"
#include "ratio.h"
#include "tw_arithmetic.h"

/// Rounded half up at bit `shift`; sums and products wrap.
static int32_t scaled(int32_t acc, int32_t shift, int32_t zero, int32_t low, int32_t high) {
  const int32_t half = (int32_t)((1U << shift) >> 1);
  const int32_t rounded = tw_shift_right(tw_wrapping_add(acc, half), shift);
  return tw_clip(rounded, low - zero, high - zero) + zero;
}

static int32_t score(const ratio_attention_s8_args *a, const int8_t *q, const int8_t *k,
                     const int8_t *mask) {
  int32_t sum = 0;
  for (int32_t i = 0; i < a->depth; i++) {
    sum += (q[i] - a->q_zero) * (k[i] - a->k_zero);
  }
  const int32_t product = tw_wrapping_multiply(sum, a->multiplier);
  const int32_t logit = a->before[scaled(product, a->shift, a->zero, a->low, a->high) + 128];
  if (mask == 0) {
    return logit;
  }
  const int32_t both = tw_wrapping_add(tw_wrapping_multiply(logit, a->score_factor),
                                       tw_wrapping_multiply(*mask, a->mask_factor));
  return scaled(tw_wrapping_add(both, a->mask_start), a->mask_shift, a->mask_zero, a->mask_low,
                a->mask_high);
}

/// Scores of one query become weights, as the product with the values reads them.
static void weigh(const ratio_attention_s8_args *a, int8_t *scores, int32_t largest) {
  const uint32_t most = (uint32_t)(a->levels - 1);
  uint32_t sum = 0;
  for (int32_t i = 0; i < a->keys; i++) {
    sum += (uint32_t)a->table[largest - scores[i]];
  }
  const uint32_t inverse = UINT32_MAX / sum;
  for (int32_t i = 0; i < a->keys; i++) {
    scores[i] = a->after[ratio((uint32_t)a->table[largest - scores[i]] * most, sum, inverse)];
  }
}

void ratio_attention_s8(const void *args, tw_work work) {
  const ratio_attention_s8_args *const a = args;
  int8_t *const scores = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t head = item / a->rows, row = item % a->rows;
    const int8_t *const mask = a->is_masked == 0 ? 0 : a->mask + row * a->mask_step;
    const int8_t *const k = a->k + head * a->keys * a->depth;
    const int8_t *const v = a->v + head * a->keys * a->columns;
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < a->keys; i++) {
      scores[i] =
          (int8_t)score(a, a->q + item * a->depth, k + i * a->depth, mask == 0 ? 0 : mask + i);
      largest = tw_max(largest, scores[i]);
    }
    weigh(a, scores, largest);
    for (int32_t c = 0; c < a->columns; c++) {
      int32_t sum = 0;
      for (int32_t i = 0; i < a->keys; i++) {
        sum += (scores[i] - a->weight_zero) * (v[i * a->columns + c] - a->v_zero);
      }
      a->y[item * a->columns + c] = (int8_t)scaled(tw_wrapping_multiply(sum, a->y_multiplier),
                                                   a->y_shift, a->y_zero, a->y_low, a->y_high);
    }
  }
}
