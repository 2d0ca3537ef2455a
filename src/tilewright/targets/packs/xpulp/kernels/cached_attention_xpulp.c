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

/// The same for heads of four or eight elements, of which one or two words are read: a hardware
/// loop of score_of. The second word of a head of four meets zeros.
static inline int32_t short_scores(const one_head *h, int32_t *score) {
  const int8_t *k = h->k, *factor = h->k_factor;
  const int32_t q0 = xp_load(h->q), q1 = h->size == 8 ? xp_load(h->q + 4) : 0;
  const int32_t more = h->size == 8 ? 4 : 0, step = h->width - more;
  int32_t peak = INT32_MIN, k0, k1, f, sum, low;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 26\n\t"               // lp.setup: 13 instructions
      ".insn r 0x0b, 7, 0x10, %[k0], %[k], %[more]\n\t" // p.lw k0, more(k!)
      ".insn r 0x0b, 7, 0x10, %[k1], %[k], %[step]\n\t" // p.lw k1, step(k!)
      ".insn r 0x0b, 7, 0x08, %[f], %[at], %[w]\n\t"    // p.lh f, width(factor!)
      ".insn r 0x57, 1, 0x4c, %[sum], %[k0], %[q0]\n\t" // pv.dotsp.b
      ".insn r 0x57, 1, 0x5c, %[sum], %[k1], %[q1]\n\t" // pv.sdotsp.b
      "andi %[k0], %[sum], 127\n\t"
      "li %[low], 64\n\t"
      ".insn r 0x33, 0, 0x21, %[low], %[k0], %[f]\n\t" // p.mac
      "srai %[sum], %[sum], 7\n\t"
      "srli %[low], %[low], 7\n\t"
      ".insn r 0x33, 0, 0x21, %[low], %[sum], %[f]\n\t"
      ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[low]\n\t" // p.max
      ".insn s 0x2b, 2, %[low], 4(%[score])\n\t"            // p.sw
      ".option pop"
      : [k] "+r"(k), [at] "+r"(factor), [score] "+r"(score), [peak] "+r"(peak), [k0] "=&r"(k0),
        [k1] "=&r"(k1), [f] "=&r"(f), [sum] "=&r"(sum), [low] "=&r"(low)
      : [n] "r"(h->seen), [more] "r"(more), [step] "r"(step), [w] "r"(h->width), [q0] "r"(q0),
        [q1] "r"(q1)
      : "memory");
  return peak;
}

/// score[j], how well key j answers; the largest comes back.
static inline int32_t scores_of(const one_head *h, int32_t *score) {
  const int8_t *k = h->k, *factor = h->k_factor;
  int32_t peak = INT32_MIN;
  if (h->size == 4 || h->size == 8) {
    return short_scores(h, score);
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
  const int8_t *factor = h->v_factor;
  uint32_t total = 0, t, p, f;
  const int32_t faded = FADED;
  // Beyond FADED nothing is left of a power: the shift is 15 there.
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 32\n\t" // lp.setup: 16 instructions
                   "lw %[t], 0(%[score])\n\t"
                   ".insn r 0x0b, 7, 0x08, %[f], %[at], %[w]\n\t" // p.lh f, width(factor!)
                   "sub %[t], %[peak], %[t]\n\t"
                   "mulhu %[t], %[t], %[slope]\n\t"
                   ".insn r 0x5b, 6, 0x60, %[t], x0, %[shift]\n\t"   // p.adduRN: rounded
                   ".insn r 0x33, 5, 0x02, %[t], %[t], %[faded]\n\t" // p.minu
                   "andi %[p], %[t], 255\n\t"
                   "slli %[p], %[p], 1\n\t"
                   ".insn r 0x03, 7, 0x08, %[p], %[powers], %[p]\n\t" // p.lh p, p(powers)
                   "srli %[t], %[t], 8\n\t"
                   "srl %[p], %[p], %[t]\n\t"
                   "add %[total], %[total], %[p]\n\t"
                   "mv %[t], %[half]\n\t"
                   ".insn r 0x33, 0, 0x21, %[t], %[p], %[f]\n\t" // p.mac
                   "srl %[t], %[t], %[bits]\n\t"
                   ".insn s 0x2b, 2, %[t], 4(%[score])\n\t" // p.sw
                   ".option pop"
                   : [at] "+r"(factor), [score] "+r"(score), [total] "+r"(total), [t] "=&r"(t),
                     [p] "=&r"(p), [f] "=&r"(f)
                   : [n] "r"(h->seen), [w] "r"(h->width), [peak] "r"(peak), [slope] "r"(by.slope),
                     [shift] "r"(by.shift), [faded] "r"(faded), [powers] "r"(a->powers),
                     [half] "r"(value_half), [bits] "r"(bits)
                   : "memory");
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

/// Later queries see more keys: the first and the last, the second and the last but one, and so on
/// follow one another, so that cores with equally many items have equally much to do.
static inline int32_t row_of(const attention_call *a, int32_t item) {
  const int32_t turn = item / a->heads;
  return turn & 1 ? a->rows - 1 - (turn >> 1) : turn >> 1;
}

static inline void attend(const attention_call *a, int32_t item, int32_t *scratch) {
  const int32_t size = a->head_dim, row = row_of(a, item), head = item % a->heads;
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
  int16_t *const y = a->y + (row * a->heads + head) * size;
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
