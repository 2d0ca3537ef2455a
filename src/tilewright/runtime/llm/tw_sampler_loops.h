// The two loops over logits that choosing a token takes. A target may have its own, faster ones.
#ifndef TW_SAMPLER_LOOPS_H
#define TW_SAMPLER_LOOPS_H

#include <stdint.h>
#include <string.h>

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

// Two logits are one load where they lie in one word: memory may be far away.
typedef uint32_t __attribute__((may_alias)) tw_two_logits;

// The largest of `count` logits; what is below all of them where there is none.
static inline int32_t tw_largest_of(const int16_t *logits, uint32_t count) {
  int32_t largest = INT32_MIN;
  uint32_t i = count > 0 && ((uintptr_t)logits & 3) != 0;
  if (i > 0) {
    largest = logits[0];
  }
  for (; i + 2 <= count; i += 2) {
    const tw_two_logits word = *(const tw_two_logits *)(const void *)(logits + i);
    int16_t two[2];
    memcpy(two, &word, sizeof two);
    largest = two[0] > largest ? two[0] : largest;
    largest = two[1] > largest ? two[1] : largest;
  }
  return i < count && logits[i] > largest ? logits[i] : largest;
}

static inline uint32_t tw_weight_of(const tw_weighting *by, int32_t logit) {
  const uint32_t below = (uint32_t)(by->largest - logit);
  if (below >= by->faded) {
    return 0;
  }
  const uint32_t z = (below * by->factor + TW_WEIGHT_HALF) >> TW_WEIGHT_BITS;
  return (uint32_t)by->powers[z & 255] >> (z >> 8);
}

// The sum of the weights of `count` logits.
static inline uint32_t tw_weights_of(const tw_weighting *by, const int16_t *logits,
                                     uint32_t count) {
  uint32_t i = count > 0 && ((uintptr_t)logits & 3) != 0;
  uint32_t sum = i > 0 ? tw_weight_of(by, logits[0]) : 0;
  for (; i + 2 <= count; i += 2) {
    const tw_two_logits word = *(const tw_two_logits *)(const void *)(logits + i);
    int16_t two[2];
    memcpy(two, &word, sizeof two);
    sum += tw_weight_of(by, two[0]);
    sum += tw_weight_of(by, two[1]);
  }
  return i < count ? sum + tw_weight_of(by, logits[i]) : sum;
}

#endif
