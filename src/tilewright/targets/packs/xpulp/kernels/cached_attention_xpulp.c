#include "cached_attention_xpulp.h"

#include "cached_attention_core.h"
#include "scaled_row_xpulp.h"

enum {
  FOUR = 4,
  FADED = TW_FACTOR_BITS << 8,
  FINISH_BITS = 18, // of a reciprocal that is shifted into a word
  LEAST_SHIFT = 20, // of its product: with less, it would not fit the word
};

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

/// score[j], how well key j answers; the largest comes back. For heads of four or eight elements,
/// of which one or two words are read: the second word of a head of four meets zeros.
static inline int32_t short_scores(const one_head *h, int32_t *score) {
  const int8_t *k = h->k, *factor = h->k_factor;
  const int32_t q0 = xp_load(h->q), q1 = h->size == 8 ? xp_load(h->q + 4) : 0;
  const int32_t more = h->size == 8 ? 4 : 0, step = h->width - more;
  int32_t peak = INT32_MIN, k0, k1, f, sum, low;
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 22\n\t"               // lp.setup: 11 instructions
      ".insn r 0x0b, 7, 0x10, %[k0], %[k], %[more]\n\t" // p.lw k0, more(k!)
      ".insn r 0x0b, 7, 0x10, %[k1], %[k], %[step]\n\t" // p.lw k1, step(k!)
      ".insn r 0x0b, 7, 0x08, %[f], %[at], %[w]\n\t"    // p.lh f, width(factor!)
      ".insn r 0x57, 1, 0x4c, %[sum], %[k0], %[q0]\n\t" // pv.dotsp.b
      ".insn r 0x57, 1, 0x5c, %[sum], %[k1], %[q1]\n\t" // pv.sdotsp.b
      "slli %[low], %[sum], 9\n\t"
      ".insn r 0x5b, 6, 0x07, %[sum], %[sum], x0\n\t"   // p.addRN by 7: rounded
      ".insn r 0x5b, 4, 0x50, %[low], %[low], %[f]\n\t" // p.mulsRN by 16: what is left, rounded
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

/// sum[j] = q . k[j] for 4 * n keys from k on, as far as q has whole words: two hardware loops, of
/// which the inner one adds a word's products for four keys.
static inline void sum_fours(const one_head *h, const int8_t *k, int32_t n, int32_t *sum) {
  const int8_t *a = k, *b = a + h->width, *c = b + h->width, *d = c + h->width, *q;
  const int32_t words = h->size >> 2, next = FOUR * h->width - FOUR * words;
  int32_t s0, s1, s2, s3, x, t, u;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x1, %[n], 46\n\t"     // lp.setup: 23 instructions
                   "mv %[q], %[query]\n\t"                 //
                   "li %[s0], 0\n\t"                       //
                   "li %[s1], 0\n\t"                       //
                   "li %[s2], 0\n\t"                       //
                   "li %[s3], 0\n\t"                       //
                   ".insn i 0x7b, 4, x0, %[words], 18\n\t" // lp.setup: 9 instructions
                   ".insn i 0x0b, 2, %[x], %[q], 4\n\t"    // p.lw x, 4(q!)
                   ".insn i 0x0b, 2, %[t], %[a], 4\n\t"
                   ".insn i 0x0b, 2, %[u], %[b], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[s0], %[x], %[t]\n\t" // pv.sdotsp.b
                   ".insn i 0x0b, 2, %[t], %[c], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[s1], %[x], %[u]\n\t"
                   ".insn i 0x0b, 2, %[u], %[d], 4\n\t"
                   ".insn r 0x57, 1, 0x5c, %[s2], %[x], %[t]\n\t"
                   ".insn r 0x57, 1, 0x5c, %[s3], %[x], %[u]\n\t"
                   ".insn s 0x2b, 2, %[s0], 4(%[sum])\n\t" // p.sw s0, 4(sum!)
                   ".insn s 0x2b, 2, %[s1], 4(%[sum])\n\t"
                   ".insn s 0x2b, 2, %[s2], 4(%[sum])\n\t"
                   ".insn s 0x2b, 2, %[s3], 4(%[sum])\n\t"
                   "add %[a], %[a], %[next]\n\t"
                   "add %[b], %[b], %[next]\n\t"
                   "add %[c], %[c], %[next]\n\t"
                   "add %[d], %[d], %[next]\n\t"
                   ".option pop"
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [sum] "+r"(sum),
                     [q] "=&r"(q), [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3),
                     [x] "=&r"(x), [t] "=&r"(t), [u] "=&r"(u)
                   : [n] "r"(n), [words] "r"(words), [query] "r"(h->q), [next] "r"(next)
                   : "memory");
}

/// score[j] becomes rounded(score[j] * factor of key j, 7), exact in two parts: the score rounded
/// to a multiple of 128, and what is left of it. The largest comes back.
static inline int32_t weighed_scores(const one_head *h, int32_t *score) {
  const int8_t *at = h->k_factor;
  int32_t peak = INT32_MIN, f, sum, low;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 16\n\t"               // lp.setup: 8 instructions
                   "lw %[sum], 0(%[score])\n\t"                      //
                   ".insn r 0x0b, 7, 0x08, %[f], %[at], %[w]\n\t"    // p.lh f, width(factor!)
                   "slli %[low], %[sum], 9\n\t"                      //
                   ".insn r 0x5b, 6, 0x07, %[sum], %[sum], x0\n\t"   // p.addRN by 7: rounded
                   ".insn r 0x5b, 4, 0x50, %[low], %[low], %[f]\n\t" // p.mulsRN by 16: the rest
                   ".insn r 0x33, 0, 0x21, %[low], %[sum], %[f]\n\t"
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[low]\n\t" // p.max
                   ".insn s 0x2b, 2, %[low], 4(%[score])\n\t"            // p.sw
                   ".option pop"
                   : [at] "+r"(at), [score] "+r"(score), [peak] "+r"(peak), [f] "=&r"(f),
                     [sum] "=&r"(sum), [low] "=&r"(low)
                   : [n] "r"(h->seen), [w] "r"(h->width)
                   : "memory");
  return peak;
}

/// For heads of any size. The last four keys overlap others.
static inline int32_t scores_of(const one_head *h, int32_t *score) {
  const int32_t seen = h->seen;
  int32_t done = 0; // elements of each key
  if (h->size == 4 || h->size == 8) {
    return short_scores(h, score);
  }
  if (seen >= FOUR && h->size >= FOUR) {
    done = h->size & ~3;
    sum_fours(h, h->k, seen >> 2, score);
    if ((seen & 3) != 0) {
      sum_fours(h, h->k + (seen - FOUR) * h->width, 1, score + seen - FOUR);
    }
  }
  if (done < h->size) {
    const int8_t *k = h->k;
    for (int32_t j = 0; j < seen; j++, k += h->width) {
      int32_t sum = done ? score[j] : 0;
      for (int32_t e = done; e < h->size; e++) {
        sum += h->q[e] * k[e];
      }
      score[j] = sum;
    }
  }
  return weighed_scores(h, score);
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

/// Weights of values have 16 bits: the lower bytes of all, and the upper ones `apart` behind them.
typedef struct {
  int8_t *low;
  int32_t apart;
} weights;

/// Scores become weights of values; the sum of numerators comes back. The lower bytes may lie where
/// the scores are.
static inline uint32_t weights_of(const attention_call *a, const one_head *h, uint32_t slope,
                                  int32_t peak, int32_t *score, weights to) {
  const log_scale by = log_scale_of(slope, a->shift);
  if (!by.is_short) {
    const uint32_t sum = attention_weights(a, h->v_factor, h->width, slope, peak, h->seen, score);
    for (int32_t j = 0; j < h->seen; j++) {
      const int32_t weight = score[j];
      to.low[j] = (int8_t)weight;
      to.low[to.apart + j] = (int8_t)(weight >> 8);
    }
    return sum;
  }
  // Products have 30 bits: shifted by more than that, nothing is left of them.
  const int32_t bits = p_min(a->value_shift, 31);
  const int8_t *factor = h->v_factor;
  int8_t *low = to.low, *high = to.low + to.apart;
  uint32_t total = 0, t, p, f;
  const int32_t faded = FADED;
  // Beyond FADED nothing is left of a power: the shift is 15 there.
  __asm__ volatile(
      ".option push\n\t.option norvc\n\t"
      ".insn i 0x7b, 4, x0, %[n], 34\n\t" // lp.setup: 17 instructions
      ".insn i 0x0b, 2, %[t], %[score], 4\n\t"
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
      ".insn r 0x5b, 0, 0x40, %[t], %[p], %[f]\n\t"  // p.muls: both have 15 bits
      ".insn r 0x5b, 6, 0x20, %[t], x0, %[bits]\n\t" // p.addRN: rounded
      ".insn s 0x2b, 0, %[t], 1(%[low])\n\t"         // p.sb
      "srli %[t], %[t], 8\n\t"
      ".insn s 0x2b, 0, %[t], 1(%[high])\n\t"
      ".option pop"
      : [at] "+r"(factor), [score] "+r"(score), [total] "+r"(total), [t] "=&r"(t), [p] "=&r"(p),
        [f] "=&r"(f), [low] "+r"(low), [high] "+r"(high)
      : [n] "r"(h->seen), [w] "r"(h->width), [peak] "r"(peak), [slope] "r"(by.slope),
        [shift] "r"(by.shift), [faded] "r"(faded), [powers] "r"(a->powers), [bits] "r"(bits)
      : "memory");
  return total;
}

/// Sums of four neighbouring elements over values, times the lower and the upper bytes of weights.
typedef struct {
  int32_t a, b, c, d, high_a, high_b, high_c, high_d;
} four_sums;

/// Adds 4 * n values from v on: a hardware loop that turns four times four bytes, so that one
/// instruction adds what four values give to an element.
static inline void mix_fours(const int8_t *v, int32_t width, weights by, int32_t n, four_sums *s) {
  int32_t v0, v1, v2, v3, t, u;
  const int32_t halves = 0x00030001, behind = by.apart - 4;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   "li gp, 0x05010400\n\t"                        // bytes 0 and 1 of both
                   "li tp, 0x07030602\n\t"                        // bytes 2 and 3
                   ".insn i 0x7b, 4, x0, %[n], 48\n\t"            // lp.setup: 24 instructions
                   ".insn r 0x0b, 7, 0x10, %[v0], %[v], %[w]\n\t" // p.lw v0, width(v!)
                   ".insn r 0x0b, 7, 0x10, %[v1], %[v], %[w]\n\t" //
                   ".insn r 0x0b, 7, 0x10, %[v2], %[v], %[w]\n\t" //
                   ".insn r 0x0b, 7, 0x10, %[v3], %[v], %[w]\n\t" //
                   "mv %[t], %[v0]\n\t"                           //
                   ".insn r 0x57, 1, 0x64, %[v0], %[v1], gp\n\t"  // pv.shuffle2.b: elements 0 and 1
                   ".insn r 0x57, 1, 0x64, %[t], %[v1], tp\n\t"   // elements 2 and 3
                   "mv %[u], %[v2]\n\t"                           //
                   ".insn r 0x57, 1, 0x64, %[v2], %[v3], gp\n\t"  //
                   ".insn r 0x57, 1, 0x64, %[u], %[v3], tp\n\t"   //
                   ".insn r 0x57, 0, 0x68, %[v1], %[v2], %[v0]\n\t" // pv.pack.h: element 0 of all
                   ".insn r 0x57, 0, 0x64, %[v0], %[v2], %[h]\n\t"  // pv.shuffle2.h: element 1
                   ".insn r 0x57, 0, 0x68, %[v3], %[u], %[t]\n\t"   //
                   ".insn r 0x57, 0, 0x64, %[t], %[u], %[h]\n\t"    //
                   ".insn i 0x0b, 2, %[u], %[low], 4\n\t"           // p.lw u, 4(low!)
                   ".insn r 0x03, 7, 0x10, %[v2], %[low], %[apart]\n\t" // p.lw v2, apart(low)
                   ".insn r 0x57, 1, 0x54, %[a], %[u], %[v1]\n\t"       // pv.sdotusp.b
                   ".insn r 0x57, 1, 0x54, %[b], %[u], %[v0]\n\t"       //
                   ".insn r 0x57, 1, 0x54, %[c], %[u], %[v3]\n\t"       //
                   ".insn r 0x57, 1, 0x54, %[d], %[u], %[t]\n\t"        //
                   ".insn r 0x57, 1, 0x5c, %[ha], %[v2], %[v1]\n\t"     // pv.sdotsp.b
                   ".insn r 0x57, 1, 0x5c, %[hb], %[v2], %[v0]\n\t"     //
                   ".insn r 0x57, 1, 0x5c, %[hc], %[v2], %[v3]\n\t"     //
                   ".insn r 0x57, 1, 0x5c, %[hd], %[v2], %[t]\n\t"      //
                   ".option pop"
                   : [a] "+r"(s->a), [b] "+r"(s->b), [c] "+r"(s->c), [d] "+r"(s->d),
                     [ha] "+r"(s->high_a), [hb] "+r"(s->high_b), [hc] "+r"(s->high_c),
                     [hd] "+r"(s->high_d), [v] "+r"(v), [low] "+r"(by.low), [v0] "=&r"(v0),
                     [v1] "=&r"(v1), [v2] "=&r"(v2), [v3] "=&r"(v3), [t] "=&r"(t), [u] "=&r"(u)
                   : [n] "r"(n), [w] "r"(width), [h] "r"(halves), [apart] "r"(behind)
                   : "memory");
}

/// mixed[i] = sum of weight[j] * v[j][i]. What is left of the values behind the fours is read as
/// the end of the last four, of which the others weigh nothing.
static inline void mix(const one_head *h, weights by, int32_t *mixed) {
  const int32_t seen = h->seen, fours = seen >> 2, left = seen & 3;
  int32_t i = 0, last[2] = {0, 0};
  if (seen >= FOUR && left != 0) {
    const int32_t kept = (int32_t)(UINT32_MAX << 8 * (FOUR - left));
    last[0] = xp_load(by.low + seen - FOUR) & kept;
    last[1] = xp_load(by.low + by.apart + seen - FOUR) & kept;
  }
  const weights end = {(int8_t *)last, 4};
  for (; seen >= FOUR && i + FOUR <= h->size; i += FOUR) {
    four_sums s = {0};
    mix_fours(h->v + i, h->width, by, fours, &s);
    if (left != 0) {
      mix_fours(h->v + i + (seen - FOUR) * h->width, h->width, end, 1, &s);
    }
    mixed[i] = s.a + (s.high_a << 8);
    mixed[i + 1] = s.b + (s.high_b << 8);
    mixed[i + 2] = s.c + (s.high_c << 8);
    mixed[i + 3] = s.d + (s.high_d << 8);
  }
  for (; i < h->size; i++) {
    const int8_t *v = h->v + i;
    int32_t sum = 0;
    for (int32_t j = 0; j < seen; j++, v += h->width) {
      sum += ((uint8_t)by.low[j] + (by.low[by.apart + j] << 8)) * *v;
    }
    mixed[i] = sum;
  }
}

/// y[n] = within 15 bits rounded(mixed[n] * reciprocal, 32 + shift), shift at least 1: of a
/// product, only the upper word matters.
static inline void shifted_products(const int32_t *mixed, int32_t reciprocal, int32_t shift,
                                    int32_t n, int16_t *y) {
  int32_t t;
  const int32_t high = INT16_MAX, least = -INT16_MAX;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 12\n\t"               // lp.setup: 6 instructions
                   ".insn i 0x0b, 2, %[t], %[mixed], 4\n\t"          // p.lw t, 4(mixed!)
                   "mulh %[t], %[t], %[reciprocal]\n\t"              //
                   ".insn r 0x5b, 6, 0x20, %[t], x0, %[shift]\n\t"   // p.addRN: rounded
                   ".insn r 0x33, 4, 0x02, %[t], %[t], %[high]\n\t"  // p.min
                   ".insn r 0x33, 6, 0x02, %[t], %[t], %[least]\n\t" // p.max
                   ".insn s 0x2b, 1, %[t], 2(%[y])\n\t"              // p.sh t, 2(y!)
                   ".option pop"
                   : [mixed] "+r"(mixed), [y] "+r"(y), [t] "=&r"(t)
                   : [n] "r"(n), [reciprocal] "r"(reciprocal), [shift] "r"(shift), [high] "r"(high),
                     [least] "r"(least)
                   : "memory");
}

/// What a head says, from weighted values and the sum of their numerators. The reciprocal has 18
/// bits at most behind the largest numerator.
static inline void finish(const attention_call *a, const int32_t *mixed, uint32_t total,
                          int16_t *y) {
  const int32_t excess = p_max(xp_bit_length(total) - TW_FACTOR_BITS, 0);
  const uint32_t reciprocal = ATTENTION_RECIPROCAL_OF_127 / (total >> excess);
  const int32_t shift = ATTENTION_RECIPROCAL_BITS - a->value_shift + excess;
  if (reciprocal >> FINISH_BITS != 0 || shift < LEAST_SHIFT || shift > 63) {
    attention_finish(a, mixed, total, y);
    return;
  }
  const int32_t behind = p_max(shift - 32, 1);
  shifted_products(mixed, (int32_t)(reciprocal << (32 + behind - shift)), behind, a->head_dim, y);
}

/// Later queries see more keys: the first and the last, the second and the last but one, and so on
/// follow one another, so that cores with equally many items have equally much to do.
static inline int32_t row_of(const attention_call *a, int32_t turn) {
  return turn & 1 ? a->rows - 1 - (turn >> 1) : turn >> 1;
}

static inline void attend(const attention_call *a, int32_t row, int32_t head, int32_t kv_head,
                          int32_t *scratch) {
  const int32_t size = a->head_dim;
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
  const weights by = {(int8_t *)score, 4 * a->known};
  const int32_t peak = scores_of(&h, score);
  const int32_t factor = factor_at(queries + a->heads * size + head * TW_HEAD_FACTOR_BYTES);
  const uint32_t total = weights_of(a, &h, (uint32_t)(factor * a->multiplier), peak, score, by);
  mix(&h, by, mixed);
  finish(a, mixed, total, a->y + (row * a->heads + head) * size);
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
  // Divisions take long: turn, head and kv_head go on from item to item.
  const int32_t heads = a->heads, group = heads / a->kv_heads;
  int32_t turn = work.start / heads, head = work.start - turn * heads;
  int32_t kv_head = head / group, first = (kv_head + 1) * group; // of the next kv_head
  for (int32_t item = work.start; item < work.stop; item++) {
    attend(&call, row_of(&call, turn), head, kv_head, work.scratch);
    if (++head == first) {
      kv_head++;
      first += group;
    }
    if (head == heads) {
      turn++;
      head = kv_head = 0;
      first = group;
    }
  }
}
