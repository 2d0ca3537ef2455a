#include "cached_attention.h"

#include "cached_attention_core.h"

static inline int32_t attention_dot(const int8_t *a, const int8_t *b, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

static inline void attention_mix(const int32_t *weight, int32_t count, const int8_t *v,
                                 int32_t width, int32_t size, int32_t *mixed) {
  int32_t i = 0;
  for (; i + 4 <= size; i += 4) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *at = v + i;
    for (int32_t j = 0; j < count; j++, at += width) {
      const int32_t w = weight[j];
      a += w * at[0];
      b += w * at[1];
      c += w * at[2];
      d += w * at[3];
    }
    mixed[i] = a;
    mixed[i + 1] = b;
    mixed[i + 2] = c;
    mixed[i + 3] = d;
  }
  for (; i < size; i++) {
    int32_t sum = 0;
    for (int32_t j = 0; j < count; j++) {
      sum += weight[j] * v[j * width + i];
    }
    mixed[i] = sum;
  }
}

void cached_attention(const void *args, tw_work work) {
  const cached_attention_args *const a = args;
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
  attention_heads((attention_loops){attention_dot, attention_mix}, &call, work);
}
