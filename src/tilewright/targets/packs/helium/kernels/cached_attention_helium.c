#include "cached_attention_helium.h"

#include <arm_mve.h>

#include "cached_attention_core.h"

static inline int32_t attention_dot(const int8_t *a, const int8_t *b, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(n - i));
    sum = vmladavaq_s8(sum, vldrbq_z_s8(a + i, lanes), vldrbq_z_s8(b + i, lanes));
  }
  return sum;
}

static inline void attention_mix(const int32_t *weight, int32_t count, const int8_t *v,
                                 int32_t width, int32_t size, int32_t *mixed) {
  for (int32_t i = 0; i < size; i += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(size - i));
    int32x4_t sum = vdupq_n_s32(0);
    const int8_t *at = v + i;
    for (int32_t j = 0; j < count; j++, at += width) {
      sum = vmlaq_n_s32(sum, vldrbq_z_s32(at, lanes), weight[j]);
    }
    vstrwq_p_s32(mixed + i, sum, lanes);
  }
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
  attention_heads((attention_loops){attention_dot, attention_mix}, &call, work);
}
