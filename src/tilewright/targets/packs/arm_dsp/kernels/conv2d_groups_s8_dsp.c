/// Convolution in groups, four pixels at a time: where a window's elements lie is computed once,
/// and read for every group and pixel.
///
/// All reads of a block of pixels come before its writes, so output may follow input closely in
/// the same memory.
#include "conv2d_groups_s8_dsp.h"
#include "dsp_border.h"
#include "dsp_products.h"

/// What all pixels have in common.
typedef struct {
  const conv2d_groups_s8_dsp_args *a;
  dsp_comb comb;   // one group's window
  int32_t quads;   // of it, its sum aside
  int32_t offsets; // of them, one for each word or each byte
  int32_t *at;     // [offsets] bytes from a window's first element
  int8_t *bytes;   // [4 * quads] a window
  int8_t *block;   // [4][out_c] output
} conv2d_groups_s8_dsp_plan;

/// Fills `at`; what there is more than elements lies where the first one does.
static inline void conv2d_groups_s8_dsp_offsets(const conv2d_groups_s8_dsp_plan *p) {
  const conv2d_groups_s8_dsp_args *a = p->a;
  const int32_t step = p->offsets == p->quads ? 4 : 1;
  int32_t *at = p->at;
  for (int32_t row = 0; row < a->kernel_h; row++) {
    for (int32_t column = 0; column < a->kernel_w; column++) {
      const int32_t y = row * a->dilation_h, x = column * a->dilation_w;
      const int32_t first = (y * a->in_w + x) * a->in_c;
      for (int32_t c = 0; c < p->comb.count; c += step) {
        *at++ = first + c;
      }
    }
  }
  while (at < p->at + p->offsets) {
    *at++ = 0;
  }
}

/// `quads` > 0 fours of elements, which lie at offsets from x, as one of `pitch` interleaved rows.
DSP_INLINE void conv2d_groups_s8_dsp_elements(const int8_t *x, const int32_t *at, int32_t quads,
                                              uint32_t *wide, int32_t pitch) {
#if DSP_ASSEMBLY
  __asm__ volatile(
      "1:; ldm %[at]!, {r4, r5, r6, r8}; ldrsb r4, [%[x], r4]; ldrsb r5, [%[x], r5]\n\t"
      "ldrsb r6, [%[x], r6]; ldrsb r8, [%[x], r8]; pkhbt r4, r4, r6, lsl #16\n\t"
      "pkhbt r5, r5, r8, lsl #16; str r4, [%[wide]]; str r5, [%[wide], %[pitch], lsl #2]\n\t"
      "add %[wide], %[wide], %[pitch], lsl #3; subs %[quads], %[quads], #1; bne 1b"
      : [at] "+r"(at), [wide] "+r"(wide), [quads] "+r"(quads)
      : [x] "r"(x), [pitch] "r"(pitch)
      : "cc", "memory", "r4", "r5", "r6", "r8");
#else
  for (int32_t quad = 0; quad < quads; quad++, at += 4, wide += 2 * pitch) {
    wide[0] = (uint16_t)x[at[0]] | (uint32_t)x[at[2]] << 16;
    wide[pitch] = (uint16_t)x[at[1]] | (uint32_t)x[at[3]] << 16;
  }
#endif
}

/// The same of words.
DSP_INLINE void conv2d_groups_s8_dsp_words(const int8_t *x, const int32_t *at, int32_t quads,
                                           uint32_t *wide, int32_t pitch) {
#if DSP_ASSEMBLY
  uint32_t word, even;
  __asm__ volatile("1:; ldr %[word], [%[at]], #4; ldr %[word], [%[x], %[word]]\n\t"
                   "sxtb16 %[even], %[word]; str %[even], [%[wide]]\n\t"
                   "sxtb16 %[word], %[word], ror #8; str %[word], [%[wide], %[pitch], lsl #2]\n\t"
                   "add %[wide], %[wide], %[pitch], lsl #3; subs %[quads], %[quads], #1; bne 1b"
                   : [at] "+r"(at), [wide] "+r"(wide), [quads] "+r"(quads), [word] "=&r"(word),
                     [even] "=&r"(even)
                   : [x] "r"(x), [pitch] "r"(pitch)
                   : "cc", "memory");
#else
  for (int32_t quad = 0; quad < quads; quad++) {
    wide = dsp_widen_word(dsp_load(x + at[quad]), wide, pitch);
  }
#endif
}

/// The window of one output pixel.
typedef struct {
  const int8_t *image;
  int32_t top, left;
  int32_t first; // bytes from the image to its first element, -1 where it reaches beyond
} conv2d_groups_s8_dsp_spot;

static inline conv2d_groups_s8_dsp_spot
conv2d_groups_s8_dsp_find(const conv2d_groups_s8_dsp_args *a, int32_t pixel) {
  const int32_t line = pixel / a->out_w, number = line / a->out_h;
  const int32_t top = (line - number * a->out_h) * a->stride_h - a->pad_top;
  const int32_t left = (pixel - line * a->out_w) * a->stride_w - a->pad_left;
  const int32_t height = (a->kernel_h - 1) * a->dilation_h,
                width = (a->kernel_w - 1) * a->dilation_w;
  const int32_t is_inside =
      top >= 0 && left >= 0 && top + height < a->in_h && left + width < a->in_w;
  return (conv2d_groups_s8_dsp_spot){a->x + number * a->in_h * a->in_w * a->in_c, top, left,
                                     is_inside ? (top * a->in_w + left) * a->in_c : -1};
}

/// One group's window of one pixel, as one of `pitch` interleaved rows.
DSP_INLINE void conv2d_groups_s8_dsp_gather(const conv2d_groups_s8_dsp_plan *p,
                                            const conv2d_groups_s8_dsp_spot *spot, int32_t group,
                                            uint32_t *wide, int32_t pitch) {
  const int8_t *const x = spot->image + group * p->comb.count;
  if (spot->first < 0) {
    const dsp_scene scene = {x, p->a->in_h, p->a->in_w, p->a->in_c, p->a->x_zero};
    dsp_copy_comb(&scene, &p->comb, spot->top, spot->left, p->bytes);
    dsp_widen(p->bytes, p->comb.rows * p->comb.columns * p->comb.count, wide, pitch);
  } else if (p->offsets == p->quads) {
    conv2d_groups_s8_dsp_words(x + spot->first, p->at, p->quads, wide, pitch);
  } else {
    conv2d_groups_s8_dsp_elements(x + spot->first, p->at, p->quads, wide, pitch);
  }
}

static inline conv2d_groups_s8_dsp_plan
conv2d_groups_s8_dsp_start(const conv2d_groups_s8_dsp_args *a, int32_t *free) {
  conv2d_groups_s8_dsp_plan p;
  const int32_t count = a->in_c / a->groups;
  p.a = a;
  p.comb = (dsp_comb){a->kernel_h, a->kernel_w, a->dilation_h, a->dilation_w, count};
  p.quads = a->quads - a->sum_elements / 4;
  p.offsets = count % 4 == 0 ? p.quads : 4 * p.quads;
  p.at = free;
  p.bytes = (int8_t *)(p.at + p.offsets);
  p.block = p.bytes + 4 * p.quads;
  conv2d_groups_s8_dsp_offsets(&p);
  return p;
}

/// `way` must be a constant.
DSP_INLINE void conv2d_groups_s8_dsp_core(const void *args, tw_work work, dsp_way way) {
  const conv2d_groups_s8_dsp_args *a = args;
  const int32_t most = dsp_next_rows(a->batch * a->out_h * a->out_w),
                made = a->out_c / a->groups / a->parts;
  uint32_t *const widened = work.scratch;
  const conv2d_groups_s8_dsp_plan p =
      conv2d_groups_s8_dsp_start(a, (int32_t *)work.scratch + 2 * most * a->quads);
  const dsp_tally tally = {a->sum_elements, a->sum_times};
  dsp_product product = {a->w, a->quads, made, a->y_zero, a->out_c};
  dsp_pairs pairs = dsp_first_pairs(&product, widened);
  for (int32_t pixel = work.start, rows; pixel < work.stop; pixel += rows) {
    rows = dsp_next_rows(work.stop - pixel);
    int8_t *const y = a->y + pixel * a->out_c, *const block = a->groups > 1 ? p.block : y;
    int8_t *into = block;
    conv2d_groups_s8_dsp_spot spots[DSP_ROWS];
    for (int32_t row = 0; row < rows; row++) {
      spots[row] = conv2d_groups_s8_dsp_find(a, pixel + row);
    }
    product.pairs = a->w;
    for (int32_t group = 0; group < a->groups; group++) {
      for (int32_t row = 0; row < rows; row++) {
        conv2d_groups_s8_dsp_gather(&p, spots + row, group, widened + row, rows);
        if (tally.elements > 0) {
          dsp_append_sum(widened + row, rows, a->quads, tally);
        }
      }
      for (int32_t part = 0; part < a->parts; part++, into += made) {
        dsp_multiply(&product, &pairs, rows, into, way);
        product.pairs += (made + 1) / 2 * dsp_pair_words(&product);
      }
    }
    if (block != y) {
      memcpy(y, block, (size_t)(rows * a->out_c));
    }
    dsp_clip(y, rows * a->out_c, a->low, a->high);
  }
}

void conv2d_groups_s8_dsp_double(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE);
}

void conv2d_groups_s8_dsp_double_relu(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void conv2d_groups_s8_dsp_half_even(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void conv2d_groups_s8_dsp_half_up(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_UP);
}

void conv2d_groups_s8_dsp_depthwise_double(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE);
}

void conv2d_groups_s8_dsp_depthwise_double_relu(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void conv2d_groups_s8_dsp_depthwise_half_even(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void conv2d_groups_s8_dsp_depthwise_half_up(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_UP);
}

void conv2d_groups_s8_dsp_depthwise_odd_double(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE);
}

void conv2d_groups_s8_dsp_depthwise_odd_double_relu(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_DOUBLE_RELU);
}

void conv2d_groups_s8_dsp_depthwise_odd_half_even(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_EVEN);
}

void conv2d_groups_s8_dsp_depthwise_odd_half_up(const void *args, tw_work work) {
  conv2d_groups_s8_dsp_core(args, work, DSP_HALF_UP);
}
