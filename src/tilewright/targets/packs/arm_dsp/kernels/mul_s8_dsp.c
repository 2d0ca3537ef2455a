/// Products of runs of elements in which an operand goes along or stands still.
#include "quick_loops.h"

#include "dsp_bytes.h"
#include "dsp_requantise.h"
#include "mul_s8_dsp.h"

/// Where an operand of a run is; `repeated` is its one element four times where it stands still.
typedef struct {
  const int8_t *at;
  int32_t step;
  int8_t repeated[4];
} mul_s8_dsp_operand;

static inline void mul_s8_dsp_begin(mul_s8_dsp_operand *o, const int8_t *at, int32_t step) {
  o->step = step;
  o->at = at;
  if (step == 0) {
    memset(o->repeated, *at, 4);
    o->at = o->repeated;
  }
}

static inline void mul_s8_dsp_run(const mul_s8_dsp_args *k, mul_s8_dsp_operand *a,
                                  mul_s8_dsp_operand *b, int8_t *y, int32_t count,
                                  tw_rounding rounding) {
  const dsp_scale s = {k->multiplier, k->shift, k->y_zero};
  const int32_t da = -k->a_zero, db = -k->b_zero;
  const int8_t *x = a->at, *w = b->at;
  if (s.shift >= 0) {
    for (; count >= 4; count -= 4, y += 4, x += 4 * a->step, w += 4 * b->step) {
      const uint32_t i = dsp_load(x), j = dsp_load(w);
      const int32_t p0 = dsp_add_byte_0(da, i) * dsp_add_byte_0(db, j);
      const int32_t p1 = dsp_add_byte_1(da, i) * dsp_add_byte_1(db, j);
      const int32_t p2 = dsp_add_byte_2(da, i) * dsp_add_byte_2(db, j);
      const int32_t p3 = dsp_add_byte_3(da, i) * dsp_add_byte_3(db, j);
      y[0] = dsp_rescale_shortly(p0, &s, rounding);
      y[1] = dsp_rescale_shortly(p1, &s, rounding);
      y[2] = dsp_rescale_shortly(p2, &s, rounding);
      y[3] = dsp_rescale_shortly(p3, &s, rounding);
    }
  }
  for (; count > 0; count--, x += a->step, w += b->step) {
    *y++ = dsp_rescale((*x + da) * (*w + db), &s, rounding);
  }
}

static inline void mul_s8_dsp_core(const void *args, tw_work work, tw_rounding rounding) {
  const mul_s8_dsp_args k = *(const mul_s8_dsp_args *)args;
  int32_t count = 0;
  for (int32_t at = work.start; at < work.stop; at += count) {
    const int32_t row = at / k.columns, column = at % k.columns;
    count = tw_min(k.columns - column, work.stop - at);
    mul_s8_dsp_operand a, b;
    mul_s8_dsp_begin(&a, k.a + row * k.a_rows + column * k.a_columns, k.a_columns);
    mul_s8_dsp_begin(&b, k.b + row * k.b_rows + column * k.b_columns, k.b_columns);
    mul_s8_dsp_run(&k, &a, &b, k.y + at, count, rounding);
  }
  dsp_clip(k.y + work.start, work.stop - work.start, k.low, k.high);
}

void mul_s8_dsp_double(const void *args, tw_work work) {
  mul_s8_dsp_core(args, work, TW_ROUND_DOUBLE);
}

void mul_s8_dsp_half_even(const void *args, tw_work work) {
  mul_s8_dsp_core(args, work, TW_ROUND_HALF_EVEN);
}

void mul_s8_dsp_half_up(const void *args, tw_work work) {
  mul_s8_dsp_core(args, work, TW_ROUND_HALF_UP);
}
