/// Products of runs of elements in which an operand goes along or stands still.
#include <string.h>

#include "helium_scalar.h"
#include "mul_helium.h"

/// Where an operand of a run is; `repeated` is its one element four times where it stands still.
typedef struct {
  const int8_t *at;
  int32_t step;
  int8_t repeated[4];
} mul_helium_operand;

static inline void mul_helium_begin(mul_helium_operand *o, const int8_t *at, int32_t step) {
  o->step = 4 * step;
  o->at = at;
  if (step == 0) {
    memset(o->repeated, *at, 4);
    o->at = o->repeated;
  }
}

static inline int32x4_t mul_helium_four(const mul_helium_args *k, int32x4_t a, int32x4_t b,
                                        helium_rescaling how) {
  const helium_scalar scale = {k->multiplier, k->shift, k->y_zero, k->low, k->high};
  const int32x4_t product = vmulq_s32(vsubq_n_s32(a, k->a_zero), vsubq_n_s32(b, k->b_zero));
  return helium_finish(product, &scale, how);
}

static inline void mul_helium_core(const void *args, tw_work work, helium_rescaling how) {
  const mul_helium_args k = *(const mul_helium_args *)args; // y may overlap the arguments
  int32_t count = 0;
  for (int32_t at = work.start; at < work.stop; at += count) {
    const int32_t row = at / k.columns, column = at % k.columns;
    count = tw_min(k.columns - column, work.stop - at);
    mul_helium_operand a, b;
    mul_helium_begin(&a, k.a + row * k.a_rows + column * k.a_columns, k.a_columns);
    mul_helium_begin(&b, k.b + row * k.b_rows + column * k.b_columns, k.b_columns);
    const int8_t *p = a.at, *q = b.at;
    int8_t *y = k.y + at;
    int32_t left = count;
    for (; left >= 4; left -= 4, p += a.step, q += b.step, y += 4) {
      vstrbq_s32(y, mul_helium_four(&k, vldrbq_s32(p), vldrbq_s32(q), how));
    }
    if (left > 0) {
      const mve_pred16_t lanes = vctp32q((uint32_t)left);
      const int32x4_t i = vldrbq_z_s32(p, lanes), j = vldrbq_z_s32(q, lanes);
      vstrbq_p_s32(y, mul_helium_four(&k, i, j, how), lanes);
    }
  }
}

void mul_helium_double(const void *args, tw_work work) { mul_helium_core(args, work, HELIUM_LEFT); }

void mul_helium_half_even(const void *args, tw_work work) {
  mul_helium_core(args, work, HELIUM_EVEN);
}
