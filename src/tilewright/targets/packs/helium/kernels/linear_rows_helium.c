#include "linear_rows_helium.h"

#include "linear_rows_finish_helium.h"

enum { FOUR = 4 };

/// Sums of four rows of w, `step` bytes apart, with one row of x; n > 0. VMLADAVA adds to even core
/// registers only, which compilers do not plan for.
static inline int32x4_t dot_four(const int8_t *x, const int8_t *w, int32_t step, int32_t n) {
  const int8_t *w1 = w + step;
  const int8_t *w2 = w1 + step;
  const int8_t *w3 = w2 + step;
  int32_t a = 0, b = 0, c = 0, d = 0;
  int32x4_t sums;
  __asm__("dlstp.8 lr, %[n]\n"
          "1:\n\t"
          "vldrb.u8 q0, [%[x]], #16\n\t"
          "vldrb.u8 q1, [%[w0]], #16\n\t"
          "vmladava.s8 %[a], q0, q1\n\t"
          "vldrb.u8 q2, [%[w1]], #16\n\t"
          "vmladava.s8 %[b], q0, q2\n\t"
          "vldrb.u8 q1, [%[w2]], #16\n\t"
          "vmladava.s8 %[c], q0, q1\n\t"
          "vldrb.u8 q2, [%[w3]], #16\n\t"
          "vmladava.s8 %[d], q0, q2\n\t"
          "letp lr, 1b\n\t"
          "vmov %q[sums][2], %q[sums][0], %[a], %[c]\n\t"
          "vmov %q[sums][3], %q[sums][1], %[b], %[d]"
          : [a] "+Te"(a), [b] "+Te"(b), [c] "+Te"(c), [d] "+Te"(d), [x] "+r"(x), [w0] "+r"(w),
            [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [sums] "=&w"(sums)
          : [n] "r"(n), "m"(*(const int8_t (*)[])x), "m"(*(const int8_t (*)[])w)
          : "lr", "q0", "q1", "q2");
  return sums;
}

/// The last outputs, fewer than four, read the last row more than once.
static inline void linear(const linear_rows_helium_args *a, const int16_t *residual, tw_work work) {
  for (int32_t row = 0; row < a->rows; row++) {
    const int8_t *const x = a->x + row * (a->inputs + TW_ROW_FACTOR_BYTES);
    const helium_finish finish = helium_finish_of(x + a->inputs, a->sum_shift, a->shift);
    for (int32_t first = work.start * FOUR; first < tw_min(work.stop * FOUR, a->outputs);
         first += FOUR) {
      const int32_t count = tw_min(a->outputs - first, FOUR);
      const int32_t at = row * a->outputs + first;
      const int8_t *const w = a->w + first * a->inputs;
      int32x4_t sums;
      if (count == FOUR) {
        sums = dot_four(x, w, a->inputs, a->inputs);
      } else {
        int32_t each[FOUR] = {0};
        for (int32_t i = 0; i < count; i++) {
          each[i] = vgetq_lane_s32(dot_four(x, w + i * a->inputs, 0, a->inputs), 0);
        }
        sums = vldrwq_s32(each);
      }
      helium_store(&finish, sums, a->multiplier + first, residual ? residual + at : 0, a->y + at,
                   count);
    }
  }
}

void linear_rows_helium(const void *args, tw_work work) { linear(args, 0, work); }

void linear_rows_add_helium(const void *args, tw_work work) {
  const linear_rows_add_helium_args *const a = args;
  const linear_rows_helium_args rows = {
      .x = a->x,
      .w = a->w,
      .multiplier = a->multiplier,
      .y = a->y,
      .rows = a->rows,
      .inputs = a->inputs,
      .outputs = a->outputs,
      .sum_shift = a->sum_shift,
      .shift = a->shift,
  };
  linear(&rows, a->residual, work);
}
