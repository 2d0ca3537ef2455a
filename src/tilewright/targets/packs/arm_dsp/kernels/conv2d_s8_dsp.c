/// Convolution as matrix product over four patches at a time: gather, then multiply.
///
/// All reads of a block of pixels come before its writes, so output may follow input closely in
/// the same memory.
#include "conv2d_s8_dsp.h"
#include "dsp_border.h"
#include "dsp_products.h"

/// A window that reaches beyond the input, padded, in rows of `length` bytes.
DSP_TILE static void conv2d_s8_dsp_border(const conv2d_s8_dsp_args *a, const int8_t *image,
                                          int32_t top, int32_t left, int32_t length,
                                          int8_t *bytes) {
  const dsp_scene scene = {image, a->in_h, a->in_w, a->in_c, a->x_zero};
  const tw_span rows = {top, top + a->kernel_h}, columns = {left, left + a->kernel_w};
  dsp_copy_window(&scene, rows, columns, length, bytes);
}

/// The next output pixel, and what its whole line has in common.
typedef struct {
  int32_t line, column;
  const int8_t *image;
  int32_t top;    // of the windows
  int32_t inside; // windows that start in columns from 0 to before this one lie inside the image
} conv2d_s8_dsp_cursor;

static inline conv2d_s8_dsp_cursor conv2d_s8_dsp_line(const conv2d_s8_dsp_args *a, int32_t line,
                                                      int32_t column) {
  const int32_t number = line / a->out_h, stride = a->in_w * a->in_c;
  const int32_t top = (line - number * a->out_h) * a->stride_h - a->pad_top;
  const int32_t room = a->in_h - a->kernel_h - top;
  int32_t inside = top < 0 || room < 0 ? 0 : a->in_w - a->kernel_w + 1;
  if (inside > 0) { // the last word of a window's row could end behind the image
    inside = tw_min(inside, ((room + 1) * stride - 4 * a->row_words + a->in_c) / a->in_c);
  }
  return (conv2d_s8_dsp_cursor){line, column, a->x + number * a->planes * a->in_h * stride, top,
                                inside};
}

/// The window of the next output pixel, widened, as one of `pitch` interleaved rows. Each row of a
/// window fills whole words: behind its end lie bytes that meet weights of zero. Or its last byte
/// is left out, and those of three rows make a word. A window that reaches beyond the input, or
/// whose last word would, goes through `bytes`.
DSP_INLINE void conv2d_s8_dsp_gather(const conv2d_s8_dsp_args *a, conv2d_s8_dsp_cursor *at,
                                     uint32_t *wide, int32_t pitch, int8_t *bytes,
                                     int32_t is_planar) {
  const int32_t left = at->column * a->stride_w - a->pad_left, words = a->row_words;
  const int32_t stride = a->in_w * a->in_c;
  const int8_t *plane = at->image;
  for (int32_t i = 0; i < (is_planar ? a->planes : 1); i++, plane += a->in_h * stride) {
    const int8_t *x = plane + (at->top * stride + left * a->in_c);
    int32_t step = stride;
    if (left < 0 || left >= at->inside) {
      step = 4 * (words + a->is_split);
      conv2d_s8_dsp_border(a, plane, at->top, left, step, bytes);
      x = bytes;
    }
    wide = dsp_widen_rows(x, step, (dsp_size){a->kernel_h, words}, wide, pitch);
    if (!is_planar && a->is_split) {
      const int8_t *const last = x + 4 * words;
      wide[0] = (uint16_t)last[0] | (uint32_t)last[2 * step] << 16;
      wide[pitch] = (uint32_t)last[step];
    }
  }
  if (++at->column == a->out_w) {
    *at = conv2d_s8_dsp_line(a, at->line + 1, 0);
  }
}

/// `way` and `is_planar`, whether x is channels first, must be constants.
DSP_INLINE void conv2d_s8_dsp_core(const void *args, tw_work work, dsp_way way, int32_t is_planar) {
  const conv2d_s8_dsp_args *a = args;
  const dsp_product product = {a->w, a->quads, a->out_c, a->y_zero, a->out_c};
  const dsp_tally tally = {a->sum_elements, a->sum_times};
  uint32_t *const widened = work.scratch;
  dsp_pairs pairs = dsp_first_pairs(&product, widened);
  const int32_t first = work.start / a->out_w;
  conv2d_s8_dsp_cursor at = conv2d_s8_dsp_line(a, first, work.start - first * a->out_w);
  for (int32_t pixel = work.start, rows; pixel < work.stop; pixel += rows) {
    rows = dsp_next_rows(work.stop - pixel);
    const int8_t *const x = a->x + pixel * a->in_c;
    if (a->is_pointwise && rows == DSP_ROWS && a->in_c % 4 == 0) {
      dsp_widen_four(x, a->in_c, widened);
    } else {
      for (int32_t p = 0; p < rows; p++) {
        if (a->is_pointwise) {
          dsp_widen(x + p * a->in_c, a->in_c, widened + p, rows);
        } else {
          int8_t *const bytes = (int8_t *)(widened + 2 * rows * a->quads);
          conv2d_s8_dsp_gather(a, &at, widened + p, rows, bytes, is_planar);
        }
      }
    }
    for (int32_t p = 0; p < rows && tally.elements > 0; p++) {
      dsp_append_sum(widened + p, rows, a->quads, tally);
    }
    int8_t *const y = a->y + pixel * a->out_c;
    dsp_multiply(&product, &pairs, rows, y, way);
    dsp_clip(y, rows * a->out_c, a->low, a->high);
  }
}

void conv2d_s8_dsp_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 0);
}

void conv2d_s8_dsp_double_relu(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE_RELU, 0);
}

void conv2d_s8_dsp_half_even(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_EVEN, 0);
}

void conv2d_s8_dsp_half_up(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_UP, 0);
}

void conv2d_s8_dsp_planes_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 1);
}

void conv2d_s8_dsp_planes_double_relu(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE_RELU, 1);
}

void conv2d_s8_dsp_planes_half_even(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_EVEN, 1);
}

void conv2d_s8_dsp_planes_half_up(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_UP, 1);
}

void conv2d_s8_dsp_of_1_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 0);
}

void conv2d_s8_dsp_of_1_double_relu(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE_RELU, 0);
}

void conv2d_s8_dsp_of_1_half_even(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_EVEN, 0);
}

void conv2d_s8_dsp_of_1_half_up(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_UP, 0);
}

void conv2d_s8_dsp_of_2_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 0);
}

void conv2d_s8_dsp_of_2_double_relu(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE_RELU, 0);
}

void conv2d_s8_dsp_of_2_half_even(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_EVEN, 0);
}

void conv2d_s8_dsp_of_2_half_up(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_UP, 0);
}

void conv2d_s8_dsp_of_3_double(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE, 0);
}

void conv2d_s8_dsp_of_3_double_relu(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_DOUBLE_RELU, 0);
}

void conv2d_s8_dsp_of_3_half_even(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_EVEN, 0);
}

void conv2d_s8_dsp_of_3_half_up(const void *args, tw_work work) {
  conv2d_s8_dsp_core(args, work, DSP_HALF_UP, 0);
}
