// The next token from logits, in integer arithmetic: greedy, temperature, top-k, top-p. No heap.
//
// tilewright/llm/sampler.py is the definition; this does the same.
#ifndef TW_SAMPLER_H
#define TW_SAMPLER_H

#include <stdint.h>

// How to choose. Probabilities are integers 2^(15 - z/256), where z is how far a logit lies below
// the largest, in 256ths of an octave after division by the temperature.
//   state        of the generator, not 0; every choice that is not greedy moves it on
//   octaves      how much z grows per unit of a logit at temperature 1, in 2^-20
//   temperature  in 2^-16; 0: the largest logit, the lowest token among equal ones
//   top_p        in 2^-16; the fewest most likely tokens whose sum exceeds it stay, all where it is
//   0
//                or at least 2^16
//   top_k        how many of the most likely tokens stay before that; 0: all
typedef struct {
  uint64_t state;
  uint32_t octaves;
  uint32_t temperature;
  uint32_t top_p;
  uint32_t top_k;
} tw_sampler;

// A token in [0, count) by its logit. count is at least 1.
uint32_t tw_sample(tw_sampler *sampler, const int16_t *logits, uint32_t count);

// Logits may be looked at in parts, by several cores at once. A part is anything from item `start`
// to before `stop`.
typedef void tw_sampler_part(void *args, int32_t start, int32_t stop);

// Has items [0, items) of a part done, in any order, and returns when they are.
typedef void tw_sampler_share(tw_sampler_part *part, void *args, int32_t items);

// The same token as tw_sample; `share` decides who does what.
uint32_t tw_sample_shared(tw_sampler *sampler, const int16_t *logits, uint32_t count,
                          tw_sampler_share *share);

// 32 random bits: xorshift64*, upper half.
uint32_t tw_random(uint64_t *state);

#endif
