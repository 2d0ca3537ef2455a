#include "cached_attention_xpulp.h"

#include "cached_attention_core.h"
#include "scaled_row_xpulp.h"

enum { FADED = TW_FACTOR_BITS << 8 };

/// The sum of products of bytes: two words at a time, which need no alignment, then what is left.
static inline int32_t dot(const int8_t *a, const int8_t *b, int32_t n) {
  int32_t sum = 0, i = n & ~7, a0, a1, b0, b1;
  const int8_t *at = a, *bt = b;
  if (i > 0) {
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     ".insn i 0x7b, 4, x0, %[n], 12\n\t" // lp.setup: 6 instructions
                     ".insn i 0x0b, 2, %[a0], %[at], 4\n\t"
                     ".insn i 0x0b, 2, %[b0], %[bt], 4\n\t"
                     ".insn i 0x0b, 2, %[a1], %[at], 4\n\t"
                     ".insn i 0x0b, 2, %[b1], %[bt], 4\n\t"
                     ".insn r 0x57, 1, 0x5c, %[sum], %[a0], %[b0]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[sum], %[a1], %[b1]\n\t"
                     ".option pop"
                     : [sum] "+r"(sum), [at] "+r"(at), [bt] "+r"(bt), [a0] "=&r"(a0),
                       [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1)
                     : [n] "r"(n >> 3)
                     : "memory");
  }
  for (; i + 4 <= n; i += 4) {
    sum = pv_sdotsp_b(sum, xp_load(a + i), xp_load(b + i));
  }
  for (; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// What one head of one query works on. Keys, values and their factors are `width` bytes apart.
typedef struct {
  const int8_t *q, *k, *k_factor, *v, *v_factor;
  int32_t width, size, seen;
} one_head;

static inline int32_t factor_at(const int8_t *at) {
  int32_t factor;
  __asm__("lh %0, 0(%1)" : "=r"(factor) : "r"(at), "m"(*(const char (*)[2])at));
  return factor;
}

/// rounded(sum * factor, 7): exact in two parts of 32 bits.
static inline int32_t score_of(int32_t sum, int32_t factor) {
  const uint32_t low = (uint32_t)p_mac(64, sum & 127, factor) >> ATTENTION_SCORE_SHIFT;
  return p_mac((int32_t)low, sum >> ATTENTION_SCORE_SHIFT, factor);
}

/// score[j], how well key j answers; the largest comes back.
static inline int32_t scores_of(const one_head *h, int32_t *score) {
  const int8_t *k = h->k, *factor = h->k_factor;
  int32_t peak = INT32_MIN;
  if (h->size == 8) {
    const int32_t q0 = xp_load(h->q), q1 = xp_load(h->q + 4);
    for (int32_t j = 0; j < h->seen; j++, k += h->width, factor += h->width) {
      const int32_t sum = pv_sdotsp_b(pv_sdotsp_b(0, q0, xp_load(k)), q1, xp_load(k + 4));
      score[j] = score_of(sum, factor_at(factor));
      peak = p_max(peak, score[j]);
    }
    return peak;
  }
  for (int32_t j = 0; j < h->seen; j++, k += h->width, factor += h->width) {
    score[j] = score_of(dot(h->q, k, h->size), factor_at(factor));
    peak = p_max(peak, score[j]);
  }
  return peak;
}

/// How distances below the largest score become log2 with 8 fraction bits. `is_short`: the upper
/// word of a product with `slope`, shifted by `shift`, is all that matters.
typedef struct {
  int32_t is_short, shift;
  uint32_t slope;
} log_scale;

static inline log_scale log_scale_of(uint32_t slope, int32_t shift) {
  int32_t bits = shift;
  // One more than a word, so that the half which is added lies in the upper word.
  while (bits < 33 && slope >> 31 == 0) {
    slope <<= 1;
    bits++;
  }
  return (log_scale){bits >= 33 && bits <= 63, bits - 32, slope};
}

/// 2**15 times 2 to the power of minus log / 256; 0 where it is below 1.
static inline uint32_t power_of(const int16_t *powers, uint32_t log) {
  return log < FADED ? (uint32_t)powers[log & 255] >> (log >> 8) : 0;
}

static inline uint32_t upper(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

/// Scores become weights of values; the sum of numerators comes back.
static inline uint32_t weights_of(const attention_call *a, const one_head *h, uint32_t slope,
                                  int32_t peak, int32_t *score) {
  const log_scale by = log_scale_of(slope, a->shift);
  if (!by.is_short) {
    return attention_weights(a, h->v_factor, h->width, slope, peak, h->seen, score);
  }
  // Products have 30 bits: shifted by more than that, nothing is left of them.
  const int32_t bits = p_min(a->value_shift, 31);
  const int32_t value_half = (int32_t)(((uint32_t)1 << bits) >> 1);
  const uint32_t half = ((uint32_t)1 << by.shift) >> 1;
  const int8_t *factor = h->v_factor;
  uint32_t total = 0;
  for (int32_t j = 0; j < h->seen; j++, factor += h->width) {
    const uint32_t behind = (uint32_t)peak - (uint32_t)score[j];
    const uint32_t p = power_of(a->powers, (upper(behind, by.slope) + half) >> by.shift);
    total += p;
    score[j] = (int32_t)((uint32_t)p_mac(value_half, (int32_t)p, factor_at(factor)) >> bits);
  }
  return total;
}

/// mixed[i] = sum of weight[j] * v[j][i] for four neighbours: a hardware loop over the values.
static inline void mix_four(const one_head *h, const int32_t *weight, const int8_t *v,
                            int32_t *mixed) {
  int32_t a = 0, b = 0, c = 0, d = 0, w, v0, v1, v2, v3;
  const int32_t back = h->width - 3;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 18\n\t"         // lp.setup: 9 instructions
      ".insn i 0x0b, 2, %[w], %[at], 4\n\t"       // p.lw w, 4(weight!)
      ".insn i 0x0b, 0, %[v0], %[v], 1\n\t"       // p.lb v0, 1(v!)
      ".insn i 0x0b, 0, %[v1], %[v], 1\n\t"       //
      ".insn i 0x0b, 0, %[v2], %[v], 1\n\t"       //
      ".insn r 0x0b, 7, 0, %[v3], %[v], %[s]\n\t" // p.lb v3, back(v!)
      ".insn r 0x33, 0, 0x21, %[a], %[w], %[v0]\n\t"
      ".insn r 0x33, 0, 0x21, %[b], %[w], %[v1]\n\t"
      ".insn r 0x33, 0, 0x21, %[c], %[w], %[v2]\n\t"
      ".insn r 0x33, 0, 0x21, %[d], %[w], %[v3]\n\t"
      ".option pop"
      : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [at] "+r"(weight), [v] "+r"(v),
        [w] "=&r"(w), [v0] "=&r"(v0), [v1] "=&r"(v1), [v2] "=&r"(v2), [v3] "=&r"(v3)
      : [n] "r"(h->seen), [s] "r"(back)
      : "memory");
  mixed[0] = a;
  mixed[1] = b;
  mixed[2] = c;
  mixed[3] = d;
}

static inline void mix(const one_head *h, const int32_t *weight, int32_t *mixed) {
  int32_t i = 0;
  for (; i + 4 <= h->size; i += 4) {
    mix_four(h, weight, h->v + i, mixed + i);
  }
  for (; i < h->size; i++) {
    const int8_t *v = h->v + i;
    int32_t sum = 0;
    for (int32_t j = 0; j < h->seen; j++, v += h->width) {
      sum += weight[j] * *v;
    }
    mixed[i] = sum;
  }
}

static inline void attend(const attention_call *a, int32_t item, int32_t *scratch) {
  const int32_t size = a->head_dim, row = item / a->heads, head = item % a->heads;
  const int32_t kv_head = head / (a->heads / a->kv_heads);
  const int32_t behind = a->kv_heads * size + kv_head * TW_HEAD_FACTOR_BYTES;
  const int8_t *const queries = a->q + row * a->heads * (size + TW_HEAD_FACTOR_BYTES);
  const one_head h = {.q = queries + head * size,
                      .k = a->k + kv_head * size,
                      .k_factor = a->k + behind,
                      .v = a->v + kv_head * size,
                      .v_factor = a->v + behind,
                      .width = a->kv_heads * (size + TW_HEAD_FACTOR_BYTES),
                      .size = size,
                      .seen = a->known - a->rows + row + 1};
  int32_t *const mixed = scratch, *const score = scratch + size;
  const int32_t peak = scores_of(&h, score);
  const int32_t factor = factor_at(queries + a->heads * size + head * TW_HEAD_FACTOR_BYTES);
  const uint32_t total = weights_of(a, &h, (uint32_t)(factor * a->multiplier), peak, score);
  mix(&h, score, mixed);
  const int32_t excess = p_max(xp_bit_length(total) - TW_FACTOR_BITS, 0);
  const int64_t reciprocal = ATTENTION_RECIPROCAL_OF_127 / (total >> excess);
  const int32_t shift = ATTENTION_RECIPROCAL_BITS - a->value_shift + excess;
  int16_t *const y = a->y + item * size;
  for (int32_t i = 0; i < size; i++) {
    y[i] = tw_saturated(tw_rounded_64(mixed[i] * reciprocal, shift));
  }
}

void cached_attention_xpulp(const void *args, tw_work work) {
  const cached_attention_xpulp_args *const a = args;
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
    attend(&call, item, work.scratch);
  }
}
