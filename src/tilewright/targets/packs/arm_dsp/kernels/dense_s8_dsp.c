/// Dense layer, row by row: all reads of a row come before its writes.
#include "dense_s8_dsp.h"
#include "dsp_row.h"

/// One row in pieces, where a widened row would take more memory than all accumulators.
DSP_INLINE void dense_s8_dsp_pieces(const dense_s8_dsp_args *a, const dsp_matrix *m,
                                    const int8_t *x, uint32_t *widened, int8_t *y, dsp_way way) {
  int32_t *const sums = (int32_t *)(widened + a->piece / 2);
  for (int32_t c = 0; c < (a->out_c + 3) / 4 * 4; c++) {
    sums[c] = m->start;
  }
  for (int32_t at = 0; at < a->in_c; at += a->piece) {
    const int32_t length = tw_min(a->in_c - at, a->piece), is_last = at + length == a->in_c;
    dsp_widen(x + at, length, widened, 1);
    const int32_t *w = m->w + at;
    for (int32_t c = 0; c < a->out_c; c += DSP_CHANNELS, w += 4 * m->quads) {
      int32_t *const acc = sums + c;
      dsp_one_by_four(widened, w, (length + 3) / 4, acc);
      if (is_last) {
        dsp_finish_row(acc, &m->tables, c, a->out_c, y, way);
      }
    }
  }
}

/// `way` must be a constant.
DSP_INLINE void dense_s8_dsp_core(const void *args, tw_work work, dsp_way way) {
  const dense_s8_dsp_args *a = args;
  uint32_t *const widened = work.scratch;
  dsp_matrix matrix = {a->w,
                       (a->in_c + 3) / 4,
                       a->out_c,
                       {a->bias, a->multiplier, a->number, a->table_step, a->y_zero},
                       0};
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * a->in_c;
    int8_t *const y = a->y + row * a->out_c;
    if (a->w_zero != 0) {
      matrix.start = -a->w_zero * dsp_sum_row(x, a->in_c);
    }
    if (a->piece < a->in_c) {
      dense_s8_dsp_pieces(a, &matrix, x, widened, y, way);
    } else {
      dsp_widen(x, a->in_c, widened, 1);
      dsp_multiply_row(&matrix, widened, y, way);
    }
    dsp_clip(y, a->out_c, a->low, a->high);
  }
}

void dense_s8_dsp_double(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_DOUBLE);
}

void dense_s8_dsp_double_relu(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void dense_s8_dsp_half_even(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void dense_s8_dsp_half_up(const void *args, tw_work work) {
  dense_s8_dsp_core(args, work, DSP_HALF_UP);
}
