#include "cached_attention_helium.h"

#include <arm_mve.h>

#include "cached_attention_core.h"

enum { LARGEST_LOG = TW_FACTOR_BITS << 8 | 255 };

/// What the loops over keys share with each other. `step`: four rows of keys, in bytes.
typedef struct {
  int32_t seen, width, step;
  uint32x4_t rows; // byte offsets of four rows
} attention_rows;

/// sums[j] = q . k[j]. Up to 16 elements at a time: longer heads come back and add.
static inline void dot_keys(const int8_t *q, const int8_t *k, const attention_rows *rows,
                            int32_t size, int32_t *sums) {
  for (int32_t start = 0; start < size; start += 16) {
    const int8_t *at = k + start;
    int32_t *to = sums;
    const int32_t left = tw_min(size - start, 16);
    const int8x16_t query = vldrbq_z_s8(q + start, vctp8q((uint32_t)left));
    const uint32_t lanes = (1u << left) - 1;
    int32_t sum = 0;
    if (start == 0) {
      __asm__ volatile(
          "vmsr p0, %[lanes]\n\t"
          "dls lr, %[n]\n"
          "1:\n\t"
          "vpst\n\t"
          "vldrbt.u8 q1, [%[at]]\n\t"
          "add %[at], %[width]\n\t"
          "vmladav.s8 %[sum], %q[query], q1\n\t"
          "str %[sum], [%[to]], #4\n\t"
          "le lr, 1b"
          : [at] "+r"(at), [to] "+r"(to), [sum] "+Te"(sum)
          : [n] "r"(rows->seen), [width] "r"(rows->width), [query] "w"(query), [lanes] "r"(lanes)
          : "lr", "q1", "p0", "memory");
      continue;
    }
    for (int32_t j = 0; j < rows->seen; j++, at += rows->width) {
      sum = vmladavaq_s8(sums[j], query, vldrbq_z_s8(at, (mve_pred16_t)lanes));
      sums[j] = sum;
    }
  }
}

/// Sums become scores; the largest comes back. `factor`: of the first key. A sum has at most 22
/// bits, so that its product with a factor, both shifted up, rounds in the high word.
static inline int32_t score_keys(const int8_t *factor, const attention_rows *rows, int32_t *score) {
  int32x4_t peaks = vdupq_n_s32(INT32_MIN);
  __asm__ volatile("dlstp.32 lr, %[n]\n"
                   "1:\n\t"
                   "vldrw.u32 q0, [%[score]]\n\t"
                   "vldrh.s32 q1, [%[factor], %q[rows]]\n\t"
                   "add %[factor], %[step]\n\t"
                   "vshl.i32 q0, q0, #9\n\t"
                   "vshl.i32 q1, q1, #16\n\t"
                   "vrmulh.s32 q0, q0, q1\n\t"
                   "vstrw.32 q0, [%[score]], #16\n\t"
                   "vmax.s32 %q[peaks], %q[peaks], q0\n\t"
                   "letp lr, 1b"
                   : [score] "+r"(score), [factor] "+r"(factor), [peaks] "+w"(peaks)
                   : [n] "r"(rows->seen), [step] "r"(rows->step), [rows] "w"(rows->rows)
                   : "lr", "q0", "q1", "memory");
  return vmaxvq_s32(INT32_MIN, peaks);
}

/// Scores become weights of values, as attention_weights has it; `factor`: of the first value.
///
/// With 2**up more on the slope and 2**left on what it is multiplied with, the high word of the
/// product, floored, has `right` >= 1 bits to round off. Where 2**left makes a score saturate, the
/// slope has 32 bits, and the logarithm is far beyond the largest that counts.
static inline uint32_t weigh_keys(const attention_call *a, const int8_t *factor,
                                  const attention_rows *rows, uint32_t slope, int32_t peak,
                                  int32_t *score) {
  const int32_t right = tw_max(a->shift - 32, 1);
  const int32_t wanted = 32 + right - a->shift;
  const int32_t up = tw_min(tw_min(32 - tw_bit_length(slope), wanted), 31);
  const int32x4_t peaks = vdupq_n_s32(peak);
  const uint32x4_t slopes = vdupq_n_u32(slope << up);
  const uint32x4_t most = vdupq_n_u32(LARGEST_LOG), fraction = vdupq_n_u32(255);
  const int32_t left = wanted - up, log_shift = -right;
  const int32_t value_shift = -tw_min(a->value_shift, 31);
  uint32_t total = 0;
  __asm__ volatile(
      "dlstp.32 lr, %[n]\n"
      "1:\n\t"
      "vldrw.u32 q0, [%[score]]\n\t"
      "vsub.i32 q0, %q[peaks], q0\n\t"
      "vqshl.u32 q0, %[left]\n\t"
      "vmulh.u32 q0, q0, %q[slopes]\n\t"
      "vrshl.u32 q0, %[log_shift]\n\t"
      "vmin.u32 q0, q0, %q[most]\n\t"
      "vand q2, q0, %q[fraction]\n\t"
      "vshr.u32 q0, q0, #8\n\t"
      "vldrh.u32 q1, [%[powers], q2, uxtw #1]\n\t"
      "vneg.s32 q0, q0\n\t"
      "vshl.u32 q1, q1, q0\n\t"
      "vldrh.s32 q0, [%[factor], %q[rows]]\n\t"
      "vaddva.u32 %[total], q1\n\t"
      "add %[factor], %[step]\n\t"
      "vmul.i32 q1, q1, q0\n\t"
      "vrshl.s32 q1, %[value_shift]\n\t"
      "vstrw.32 q1, [%[score]], #16\n\t"
      "letp lr, 1b"
      : [score] "+r"(score), [factor] "+r"(factor), [total] "+Te"(total)
      : [n] "r"(rows->seen), [step] "r"(rows->step), [rows] "w"(rows->rows), [peaks] "w"(peaks),
        [slopes] "w"(slopes), [most] "w"(most), [fraction] "w"(fraction), [left] "r"(left),
        [log_shift] "r"(log_shift), [value_shift] "r"(value_shift), [powers] "r"(a->powers)
      : "lr", "q0", "q1", "q2", "memory");
  return total;
}

/// mixed[i] = sum of weight[j] * v[j][i]. Eight elements at a time; the rest, of heads of another
/// size, four and two at a time.
static inline void mix_values(const int32_t *weight, const int8_t *v, const attention_rows *rows,
                              int32_t size, int32_t *mixed) {
  int32_t i = 0;
  for (; i + 8 <= size; i += 8) {
    int32x4_t low = vdupq_n_s32(0), high = low;
    const int8_t *at = v + i;
    for (int32_t j = 0; j < rows->seen; j++, at += rows->width) {
      const int32_t share = weight[j];
      low = vmlaq_n_s32(low, vldrbq_s32(at), share);
      high = vmlaq_n_s32(high, vldrbq_s32(at + 4), share);
    }
    vstrwq_s32(mixed + i, low);
    vstrwq_s32(mixed + i + 4, high);
  }
  for (; i < size; i += 2) {
    int32_t one = 0, other = 0;
    const int8_t *at = v + i;
    for (int32_t j = 0; j < rows->seen; j++, at += rows->width) {
      one += weight[j] * at[0];
      other += weight[j] * at[1];
    }
    mixed[i] = one;
    mixed[i + 1] = other;
  }
}

static inline void attention_of_head(const attention_call *a, int32_t item, int32_t *scratch) {
  const int32_t size = a->head_dim, row = item / a->heads, head = item % a->heads;
  const int32_t kv_head = head / (a->heads / a->kv_heads);
  const int32_t width = a->kv_heads * (size + TW_HEAD_FACTOR_BYTES);
  const int32_t at = kv_head * size;
  const int32_t behind = a->kv_heads * size + kv_head * TW_HEAD_FACTOR_BYTES;
  const attention_rows rows = {
      .seen = a->known - a->rows + row + 1,
      .width = width,
      .step = 4 * width,
      .rows = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)width),
  };
  const int8_t *const queries = a->q + row * a->heads * (size + TW_HEAD_FACTOR_BYTES);
  int32_t *const mixed = scratch, *const score = scratch + size;
  dot_keys(queries + head * size, a->k + at, &rows, size, score);
  const int32_t peak = score_keys(a->k + behind, &rows, score);
  const int8_t *const factor = queries + a->heads * size + head * TW_HEAD_FACTOR_BYTES;
  const uint32_t slope = (uint32_t)(attention_factor(factor) * a->multiplier);
  const uint32_t total = weigh_keys(a, a->v + behind, &rows, slope, peak, score);
  mix_values(score, a->v + at, &rows, size, mixed);
  attention_finish(a, mixed, total, a->y + item * size);
}

void cached_attention_helium(const void *args, tw_work work) {
  const cached_attention_helium_args *const a = args;
  const attention_call call = {
      .q = a->q,
      .k = a->k,
      .v = a->v,
      .powers = a->powers,
      .y = a->y,
      .rows = a->rows,
      .known = a->known,
      .heads = a->heads,
      .kv_heads = a->kv_heads,
      .head_dim = a->head_dim,
      .multiplier = a->multiplier,
      .shift = a->shift,
      .value_shift = a->value_shift,
  };
  for (int32_t item = work.start; item < work.stop; item++) {
    attention_of_head(&call, item, work.scratch);
  }
}
