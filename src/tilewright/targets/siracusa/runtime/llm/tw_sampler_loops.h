// The two loops over logits that choosing a token takes, with XpulpV2; the meaning is
// runtime/llm/tw_sampler_loops.h of Tilewright.
#ifndef TW_SAMPLER_LOOPS_H
#define TW_SAMPLER_LOOPS_H

#include <stdint.h>

enum {
  TW_WEIGHT_BITS = 20, // fractional bits of `factor`
  TW_WEIGHT_HALF = 1 << (TW_WEIGHT_BITS - 1)
};

// How logits below the largest become weights.
//   factor  what a distance of 1 means in 256ths of an octave
//   faded   the distance from which on weights are 0; below it, distance * factor stays in 32 bits
//   powers  [256] 2^(15 - f/256)
typedef struct {
  int32_t largest;
  uint32_t factor;
  uint32_t faded;
  const uint16_t *powers;
} tw_weighting;

// The largest of `count` logits; what is below all of them where there is none. Two at a time:
// words need no alignment, and an odd last one is met together with the one before it.
static inline int32_t tw_largest_of(const int16_t *logits, uint32_t count) {
  if (count == 0) {
    return INT32_MIN;
  }
  int32_t two = (int32_t)(0x10001u * (uint16_t)logits[count - 1]), next;
  if (count > 1) {
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     ".insn i 0x7b, 4, x0, %[n], 6\n\t"       // lp.setup: 3 instructions
                     ".insn i 0x0b, 2, %[next], %[at], 4\n\t" // p.lw next, 4(at!)
                     "nop\n\t"                                // until it is there
                     ".insn r 0x57, 0, 0x18, %[two], %[two], %[next]\n\t" // pv.max.h
                     ".option pop"
                     : [two] "+r"(two), [at] "+r"(logits), [next] "=&r"(next)
                     : [n] "r"(count >> 1)
                     : "memory");
  }
  const int32_t low = (int16_t)two, high = two >> 16;
  return low > high ? low : high;
}

// The sum of the weights of `count` logits. Where a weight is 0, what the product has lost is of
// no account: it is added 0 times.
static inline uint32_t tw_weights_of(const tw_weighting *by, const int16_t *logits,
                                     uint32_t count) {
  // half + (largest - logit) * factor, of which only the logit changes. Distances have 16 bits.
  const uint32_t whole = TW_WEIGHT_HALF + (uint32_t)by->largest * by->factor;
  const int32_t far = by->faded < 1u << 16 ? (int32_t)by->faded : 1 << 16;
  uint32_t sum = 0, t, is_near, z, power;
  if (count == 0) {
    return 0;
  }
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 20\n\t"                // lp.setup: 10 instructions
                   ".insn i 0x0b, 1, %[t], %[at], 2\n\t"              // p.lh t, 2(at!): the logit
                   "mv %[z], %[whole]\n\t"                            //
                   "slt %[near], %[least], %[t]\n\t"                  //
                   ".insn r 0x33, 1, 0x21, %[z], %[t], %[factor]\n\t" // p.msu
                   "srli %[t], %[z], 19\n\t"                          // twice the index
                   "andi %[t], %[t], 510\n\t"                         //
                   ".insn r 0x03, 7, 0x28, %[power], %[powers], %[t]\n\t" // p.lhu
                   "srli %[z], %[z], 28\n\t"                              // octaves
                   "srl %[power], %[power], %[z]\n\t"                     //
                   ".insn r 0x33, 0, 0x21, %[sum], %[power], %[near]\n\t" // p.mac
                   ".option pop"
                   : [sum] "+r"(sum), [at] "+r"(logits), [t] "=&r"(t), [near] "=&r"(is_near),
                     [z] "=&r"(z), [power] "=&r"(power)
                   : [n] "r"(count), [whole] "r"(whole), [least] "r"(by->largest - far),
                     [factor] "r"(by->factor), [powers] "r"(by->powers)
                   : "memory");
  return sum;
}

#endif
