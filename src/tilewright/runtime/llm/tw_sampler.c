#include "tw_sampler.h"
#include "tw_sampler_loops.h"

#include <string.h>

enum {
  OCTAVES = 16,
  STEPS = 256,
  FADED = OCTAVES * STEPS,
  OCTAVE_BITS = TW_WEIGHT_BITS,
  PARTS = 64
};

// round(2^(15 - f/256))
static const uint16_t EXP2[STEPS] = {
    32768, 32679, 32591, 32503, 32415, 32327, 32240, 32153, 32066, 31979, 31893, 31806, 31720,
    31635, 31549, 31464, 31379, 31294, 31209, 31125, 31041, 30957, 30873, 30790, 30706, 30623,
    30541, 30458, 30376, 30293, 30212, 30130, 30048, 29967, 29886, 29805, 29725, 29644, 29564,
    29484, 29405, 29325, 29246, 29167, 29088, 29009, 28931, 28852, 28774, 28697, 28619, 28542,
    28464, 28388, 28311, 28234, 28158, 28082, 28006, 27930, 27855, 27779, 27704, 27629, 27554,
    27480, 27406, 27332, 27258, 27184, 27110, 27037, 26964, 26891, 26818, 26746, 26674, 26601,
    26530, 26458, 26386, 26315, 26244, 26173, 26102, 26031, 25961, 25891, 25821, 25751, 25681,
    25612, 25543, 25474, 25405, 25336, 25268, 25199, 25131, 25063, 24995, 24928, 24860, 24793,
    24726, 24659, 24593, 24526, 24460, 24394, 24328, 24262, 24196, 24131, 24066, 24001, 23936,
    23871, 23806, 23742, 23678, 23614, 23550, 23486, 23423, 23359, 23296, 23233, 23170, 23108,
    23045, 22983, 22921, 22859, 22797, 22735, 22674, 22613, 22552, 22491, 22430, 22369, 22309,
    22248, 22188, 22128, 22068, 22009, 21949, 21890, 21831, 21772, 21713, 21654, 21595, 21537,
    21479, 21421, 21363, 21305, 21247, 21190, 21133, 21076, 21019, 20962, 20905, 20849, 20792,
    20736, 20680, 20624, 20568, 20513, 20457, 20402, 20347, 20292, 20237, 20182, 20127, 20073,
    20019, 19965, 19911, 19857, 19803, 19750, 19696, 19643, 19590, 19537, 19484, 19431, 19379,
    19326, 19274, 19222, 19170, 19118, 19066, 19015, 18963, 18912, 18861, 18810, 18759, 18708,
    18658, 18607, 18557, 18507, 18457, 18407, 18357, 18308, 18258, 18209, 18160, 18110, 18061,
    18013, 17964, 17915, 17867, 17819, 17770, 17722, 17674, 17627, 17579, 17531, 17484, 17437,
    17390, 17343, 17296, 17249, 17202, 17156, 17109, 17063, 17017, 16971, 16925, 16879, 16834,
    16788, 16743, 16697, 16652, 16607, 16562, 16518, 16473, 16428};

uint32_t tw_random(uint64_t *state) {
  uint64_t s = *state;
  s ^= s >> 12;
  s ^= s << 25;
  s ^= s >> 27;
  *state = s;
  return (uint32_t)((s * 0x2545F4914F6CDD1Du) >> 32);
}

// Logits as distances below the largest.
typedef struct {
  const int16_t *logits;
  uint32_t count;
  int32_t largest;
  uint32_t factor;
} view;

// The most likely tokens: all below distance z, and the first `ties` at z.
typedef struct {
  uint32_t z;
  uint32_t ties;
} cut;

static uint32_t distance(const view *v, uint32_t token) {
  const uint32_t below = (uint32_t)(v->largest - v->logits[token]);
  const uint64_t z = ((uint64_t)below * v->factor + TW_WEIGHT_HALF) >> OCTAVE_BITS;
  return z < FADED ? (uint32_t)z : FADED;
}

static uint32_t weight(uint32_t z) {
  return z < FADED ? (uint32_t)EXP2[z % STEPS] >> (z / STEPS) : 0;
}

// What one token at distance z counts: itself, or its probability.
static uint64_t counted(uint32_t z, int by_weight) { return by_weight ? weight(z) : 1; }

// Where the shares of the most likely tokens first exceed `limit`; the last one is included. Tokens
// beyond `within` are not there. Octaves first, then the steps of the one that matters: two passes,
// and no sorting.
static cut cut_after(const view *v, uint64_t limit, int by_weight, cut within) {
  uint64_t octave[OCTAVES + 1];
  uint32_t step[STEPS];
  uint32_t ties = within.ties;
  memset(octave, 0, sizeof octave);
  memset(step, 0, sizeof step);
  for (uint32_t i = 0; i < v->count; i++) {
    const uint32_t z = distance(v, i);
    if (z < within.z || (z == within.z && ties > 0)) {
      ties -= z == within.z;
      octave[z / STEPS] += counted(z, by_weight);
    }
  }
  uint32_t found = 0;
  uint64_t sum = 0;
  while (found < OCTAVES && sum + octave[found] <= limit) {
    sum += octave[found++];
  }
  ties = within.ties;
  for (uint32_t i = 0; i < v->count; i++) {
    const uint32_t z = distance(v, i);
    if (z / STEPS == found && (z < within.z || (z == within.z && ties > 0))) {
      ties -= z == within.z;
      step[z % STEPS]++;
    }
  }
  for (uint32_t f = 0; f < STEPS; f++) {
    const uint32_t z = found * STEPS + f;
    const uint64_t each = counted(z, by_weight);
    if (sum + step[f] * each > limit) {
      return (cut){z, (uint32_t)((limit - sum) / each) + 1};
    }
    sum += step[f] * each;
  }
  return within;
}

static uint64_t sum_of(const view *v, cut kept) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < v->count; i++) {
    const uint32_t z = distance(v, i);
    if (z < kept.z || (z == kept.z && kept.ties > 0)) {
      kept.ties -= z == kept.z;
      sum += weight(z);
    }
  }
  return sum;
}

// The first token, by number, at which the running sum of the kept ones exceeds the threshold.
static uint32_t draw(const view *v, cut kept, uint64_t threshold) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < v->count; i++) {
    const uint32_t z = distance(v, i);
    if (z < kept.z || (z == kept.z && kept.ties > 0)) {
      kept.ties -= z == kept.z;
      sum += weight(z);
      if (sum > threshold) {
        return i;
      }
    }
  }
  return 0; // not reached: the threshold is below the sum
}

// What is known of every part of the logits: its largest one, then the sum of its weights.
typedef struct {
  const int16_t *logits;
  uint32_t count;
  tw_weighting by;
  union {
    int32_t largest[PARTS];
    uint32_t sum[PARTS];
  };
} parts;

static uint32_t part_begin(const parts *p, int32_t part) {
  return (uint32_t)((uint64_t)p->count * (uint32_t)part / PARTS);
}

static void find_largest(void *args, int32_t start, int32_t stop) {
  parts *const p = args;
  for (int32_t part = start; part < stop; part++) {
    const uint32_t begin = part_begin(p, part);
    p->largest[part] = tw_largest_of(p->logits + begin, part_begin(p, part + 1) - begin);
  }
}

static void find_sums(void *args, int32_t start, int32_t stop) {
  parts *const p = args;
  for (int32_t part = start; part < stop; part++) {
    const uint32_t begin = part_begin(p, part);
    p->sum[part] = tw_weights_of(&p->by, p->logits + begin, part_begin(p, part + 1) - begin);
  }
}

// The largest logit, and the first part that has it.
static int32_t find_best(parts *p, tw_sampler_share *share) {
  share(find_largest, p, PARTS);
  int32_t best = 0;
  for (int32_t part = 1; part < PARTS; part++) {
    if (p->largest[part] > p->largest[best]) {
      best = part;
    }
  }
  p->by.largest = p->largest[best];
  return best;
}

// The first token at which the running sum of all weights exceeds random * sum / 2^32: first the
// part, then the token in it.
static uint32_t draw_of_all(parts *p, tw_sampler *sampler, tw_sampler_share *share) {
  share(find_sums, p, PARTS);
  uint64_t sum = 0;
  for (int32_t part = 0; part < PARTS; part++) {
    sum += p->sum[part];
  }
  uint64_t left = (tw_random(&sampler->state) * sum) >> 32;
  int32_t part = 0;
  while (left >= p->sum[part]) {
    left -= p->sum[part++];
  }
  uint32_t token = part_begin(p, part);
  for (;; token++) {
    const uint32_t each = tw_weights_of(&p->by, p->logits + token, 1);
    if (left < each) {
      return token;
    }
    left -= each;
  }
}

// The first token among the most likely ones.
static uint32_t draw_of_few(const parts *p, tw_sampler *sampler) {
  const view v = {p->logits, p->count, p->by.largest, p->by.factor};
  cut kept = {FADED, p->count};
  if (sampler->top_k > 0 && sampler->top_k < p->count) {
    kept = cut_after(&v, sampler->top_k - 1, 0, kept);
  }
  uint64_t sum = sum_of(&v, kept);
  if (sampler->top_p > 0 && sampler->top_p < 1u << 16) {
    kept = cut_after(&v, (sum * sampler->top_p) >> 16, 1, kept);
    sum = sum_of(&v, kept);
  }
  return draw(&v, kept, (tw_random(&sampler->state) * sum) >> 32);
}

static uint32_t choose(tw_sampler *sampler, parts *p, tw_sampler_share *share) {
  const int32_t best = find_best(p, share);
  if (sampler->temperature == 0) {
    uint32_t token = part_begin(p, best);
    while (p->logits[token] != p->by.largest) {
      token++;
    }
    return token;
  }
  const uint64_t factor = ((uint64_t)sampler->octaves << 16) / sampler->temperature;
  p->by.factor = factor < UINT32_MAX ? (uint32_t)factor : UINT32_MAX;
  const int is_cut = (sampler->top_k > 0 && sampler->top_k < p->count) ||
                     (sampler->top_p > 0 && sampler->top_p < 1u << 16);
  if (is_cut || p->by.factor == 0) {
    return draw_of_few(p, sampler);
  }
  p->by.faded = (UINT32_MAX - TW_WEIGHT_HALF) / p->by.factor + 1;
  return draw_of_all(p, sampler, share);
}

uint32_t tw_sample_shared(tw_sampler *sampler, const int16_t *logits, uint32_t count,
                          tw_sampler_share *share) {
  uint16_t near[STEPS];
  memcpy(near, EXP2, sizeof near);
  parts p = {.logits = logits, .count = count, .by.powers = near};
  return choose(sampler, &p, share);
}

static void in_turn(tw_sampler_part *part, void *args, int32_t items) { part(args, 0, items); }

uint32_t tw_sample(tw_sampler *sampler, const int16_t *logits, uint32_t count) {
  parts p = {.logits = logits, .count = count, .by.powers = EXP2};
  return choose(sampler, &p, in_turn);
}
