/// Rows of a against columns of b, four of which are summed at a time.
///
/// A matrix of b whose columns are no runs of bytes is transposed once. Zero points are taken off
/// sums: (a - a_zero) . (b - b_zero) = a . b - a_zero * sum(b) - b_zero * sum(a) + depth * a_zero *
/// b_zero. A row's sums are complete before any of its outputs is written.
#pragma once

#include <arm_mve.h>

#include "broadcast.h"
#include "helium_scalar.h"
#include "matmul_helium.h"
#include "row_sum_helium.h"
#include "tw_arithmetic.h"

/// The members are in the order of the registers that LDM fills.
typedef struct {
  const int8_t *a;    // r1: [depth]
  const int8_t *b[4]; // r3, r5, r7, r8: [depth] each
  int32_t depth;      // r9, > 0
  int32_t *acc;       // r10: [4], written
} matmul_helium_job;

/// acc = a . b: 64 products need 5 loads, 4 VMLADAVA and one LETP. r7 is kept by hand because
/// compilers may use it as frame pointer.
static inline void matmul_helium_dot(const matmul_helium_job *job) {
  register const matmul_helium_job *at __asm__("r0") = job;
  __asm__ volatile("push {r7}\n\t"
                   "ldm r0, {r1, r3, r5, r7-r10}\n\t"
                   "movs r0, #0; movs r2, #0; movs r4, #0; movs r6, #0\n\t"
                   "dlstp.8 lr, r9\n"
                   "1:\n\t"
                   "vldrb.8 q0, [r1], #16\n\t"
                   "vldrb.8 q1, [r3], #16; vmladava.s8 r0, q0, q1\n\t"
                   "vldrb.8 q2, [r5], #16; vmladava.s8 r2, q0, q2\n\t"
                   "vldrb.8 q3, [r7], #16; vmladava.s8 r4, q0, q3\n\t"
                   "vldrb.8 q1, [r8], #16; vmladava.s8 r6, q0, q1\n\t"
                   "letp lr, 1b\n\t"
                   "stm r10, {r0, r2, r4, r6}\n\t"
                   "pop {r7}"
                   : "+r"(at)
                   :
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "lr", "q0", "q1", "q2",
                     "q3", "cc", "memory");
}

/// to[column][depth] = b[depth][column], eight columns at a time.
static inline void matmul_helium_transpose(const int8_t *b, int32_t depth, int32_t columns,
                                           int8_t *to) {
  const uint16x8_t lane = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)depth);
  for (int32_t j = 0; j < columns; j += 8) {
    const mve_pred16_t lanes = vctp16q((uint32_t)(columns - j));
    for (int32_t k = 0; k < depth; k++) {
      const int16x8_t eight = vldrbq_z_s16(b + k * columns + j, lanes);
      vstrbq_scatter_offset_p_s16(to + j * depth + k, lane, eight, lanes);
    }
  }
}

/// One row of the output: `acc`, [columns rounded up to 4], is written first. `shifts` has what
/// a_zero takes off each column, `shift` what b_zero does. `how` must be a constant.
__attribute__((always_inline)) static inline void
matmul_helium_row(const matmul_helium_args *p, const int8_t *a, const int8_t *b, int32_t shift,
                  const int32_t *shifts, int32_t *acc, int8_t *y, helium_rescaling how) {
  const int32_t columns = p->columns, depth = p->depth;
  const helium_scalar scalar = {p->multiplier, p->shift, p->y_zero, p->low, p->high};
  for (int32_t j = 0; j < columns; j += 4) { // the last column is summed again where none follows
    const int32_t last = columns - 1;
    const matmul_helium_job job = {a,
                                   {b + j * depth, b + tw_min(j + 1, last) * depth,
                                    b + tw_min(j + 2, last) * depth,
                                    b + tw_min(j + 3, last) * depth},
                                   depth,
                                   acc + j};
    matmul_helium_dot(&job);
  }
  for (int32_t j = 0; j < columns; j += 4) {
    const int32x4_t sum = vaddq_s32(vldrwq_s32(acc + j), vldrwq_s32(shifts + j));
    const int32x4_t four = helium_finish(vaddq_n_s32(sum, shift), &scalar, how);
    vstrbq_p_s32(y + j, four, vctp32q((uint32_t)(columns - j)));
  }
}

__attribute__((always_inline)) static inline void
matmul_helium_core(const matmul_helium_args *p, tw_work work, helium_rescaling how) {
  const int32_t depth = p->depth, columns = p->columns, padded = (columns + 3) & ~3;
  int32_t *const acc = work.scratch, *const shifts = acc + padded;
  int8_t *const transposed = (int8_t *)(shifts + padded);
  const int8_t *held = 0; // the matrix that scratch is about
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t batch = item / p->rows, row = item % p->rows;
    const int32_t outer = batch / p->n3, inner = batch % p->n3;
    const int32_t of_a = tw_row_start(outer, p->n1, p->n2, p->a0, p->a1, p->a2) + inner * p->a3;
    const int32_t of_b = tw_row_start(outer, p->n1, p->n2, p->b0, p->b1, p->b2) + inner * p->b3;
    const int8_t *const a = p->a + (of_a * p->rows + row) * depth;
    const int8_t *const matrix = p->b + of_b * depth * columns;
    const int8_t *const b = p->transposes_b ? matrix : transposed;
    if (matrix != held) {
      held = matrix;
      if (!p->transposes_b) {
        matmul_helium_transpose(matrix, depth, columns, transposed);
      }
      for (int32_t j = 0; j < columns; j++) {
        shifts[j] = p->a_zero ? -p->a_zero * helium_row_sum(b + j * depth, depth) : 0;
      }
    }
    const int32_t sum = p->b_zero ? helium_row_sum(a, depth) : 0;
    matmul_helium_row(p, a, b, p->b_zero * (depth * p->a_zero - sum), shifts, acc,
                      p->y + item * columns, how);
  }
}
