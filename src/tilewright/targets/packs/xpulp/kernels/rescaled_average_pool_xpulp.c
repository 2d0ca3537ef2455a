/// Four channels are one word; a dot product with a word that holds a single one adds one of them.
#include "rescaled_average_pool_xpulp.h"

#include "tw_arithmetic.h"
#include "window2d.h"
#include "xpulp.h"

/// sums[c] += x[c] of `count` pixels that lie `step` bytes apart.
static inline void add_pixels(const int8_t *x, int32_t step, int32_t count, int32_t sums[4]) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3], a, b;
  const int32_t pairs = count >> 1, one = 1, two = 1 << 8, three = 1 << 16, four = 1 << 24;
  if (pairs > 0) {
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     ".insn i 0x7b, 4, x0, %[n], 20\n\t"              // lp.setup: 10 instructions
                     ".insn r 0x0b, 7, 0x10, %[a], %[x], %[step]\n\t" // p.lw
                     ".insn r 0x0b, 7, 0x10, %[b], %[x], %[step]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s0], %[a], %[one]\n\t" // pv.sdotsp.b
                     ".insn r 0x57, 1, 0x5c, %[s1], %[a], %[two]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s2], %[a], %[three]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s3], %[a], %[four]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s0], %[b], %[one]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s1], %[b], %[two]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s2], %[b], %[three]\n\t"
                     ".insn r 0x57, 1, 0x5c, %[s3], %[b], %[four]\n\t"
                     ".option pop"
                     : [x] "+r"(x), [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),
                       [a] "=&r"(a), [b] "=&r"(b)
                     : [n] "r"(pairs), [step] "r"(step), [one] "r"(one), [two] "r"(two),
                       [three] "r"(three), [four] "r"(four)
                     : "memory");
  }
  if ((count & 1) != 0) {
    a = xp_load(x);
    s0 = pv_sdotsp_b(s0, a, one);
    s1 = pv_sdotsp_b(s1, a, two);
    s2 = pv_sdotsp_b(s2, a, three);
    s3 = pv_sdotsp_b(s3, a, four);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/// One output pixel: its window and how its sums are rescaled.
typedef struct {
  const int8_t *window; // its first element inside the image
  int32_t runs, wide;   // rows of the window, elements of each
  int32_t start;
  int32_t multiplier, shift;
  int32_t is_short; // whether no product leaves int32
} pool_pixel;

/// A division takes 30 cycles, and where there is one output pixel there is nothing to divide.
static inline int32_t quotient(int32_t a, int32_t b) { return a < b ? 0 : a / b; }

/// Elements of a window along one axis that lie inside the input: by steps, for there are few
/// others and a division is longer.
static inline tw_taps taps_of(int32_t out, int32_t stride, int32_t pad, int32_t kernel,
                              int32_t dilation, int32_t size) {
  const int32_t origin = out * stride - pad;
  int32_t first = 0, stop = kernel;
  for (int32_t at = origin; at < 0 && first < kernel; at += dilation) {
    ++first;
  }
  for (int32_t at = origin + (kernel - 1) * dilation; at >= size && stop > first; at -= dilation) {
    --stop;
  }
  return (tw_taps){origin, first, stop};
}

/// Whether multiplier * sum + half never leaves int32; `most`: of the sum's absolute values.
static inline int32_t fits_word(uint32_t most, int32_t multiplier, int32_t shift) {
  if (multiplier < 0 || shift >= 32) {
    return 0;
  }
  const uint64_t product = (uint64_t)most * (uint32_t)multiplier;
  const uint32_t lower = (uint32_t)product, half = UINT32_C(1) << shift >> 1;
  return (product >> 32) == 0 && lower <= INT32_MAX && lower + half <= INT32_MAX;
}

static pool_pixel pixel_of(const rescaled_average_pool_xpulp_args *a, int32_t pixel) {
  const int32_t line = quotient(pixel, a->out_w), column = pixel - line * a->out_w;
  const int32_t n = quotient(line, a->out_h), row = line - n * a->out_h;
  const tw_taps rows = taps_of(row, a->stride_h, a->pad_top, a->kernel_h, a->dilation_h, a->in_h);
  const tw_taps columns =
      taps_of(column, a->stride_w, a->pad_left, a->kernel_w, a->dilation_w, a->in_w);
  const int32_t runs = rows.stop - rows.first, wide = columns.stop - columns.first;
  const int32_t elements = runs * wide;
  const int32_t entry = a->table_step != 0 ? tw_max(elements - 1, 0) : 0;
  const int32_t multiplier = a->multiplier[entry], shift = a->shift[entry];
  // Of each element: 128 to either side of zero, and what x_zero adds.
  const int32_t furthest = a->x_zero < 0 ? 127 - a->x_zero : 128 + a->x_zero;
  const int32_t top = rows.origin + rows.first * a->dilation_h;
  const int32_t left = columns.origin + columns.first * a->dilation_w;
  // Rows that follow each other without a gap are one.
  const int32_t is_run = wide * a->dilation_w == a->dilation_h * a->in_w;
  return (pool_pixel){
      .window = a->x + ((n * a->in_h + top) * a->in_w + left) * a->channels,
      .runs = is_run ? 1 : runs,
      .wide = is_run ? elements : wide,
      .start = -elements * a->x_zero,
      .multiplier = multiplier,
      .shift = shift,
      .is_short = fits_word((uint32_t)(elements * furthest), multiplier, shift),
  };
}

/// Sums of four channels over the window.
static inline void sum_window(const rescaled_average_pool_xpulp_args *a, const pool_pixel *at,
                              int32_t first, int32_t sums[4]) {
  const int32_t step = a->dilation_w * a->channels, down = a->dilation_h * a->in_w * a->channels;
  const int8_t *x = at->window + first;
  for (int32_t i = 0; i < at->runs; ++i) {
    add_pixels(x, step, at->wide, sums);
    x += down;
  }
}

/// The general form is rarely needed: nobody should fetch it who does not.
static __attribute__((noinline)) void rescale_slowly(const pool_pixel *at, int32_t sums[4]) {
  for (int32_t c = 0; c < 4; ++c) {
    sums[c] = tw_rescale(sums[c], at->multiplier, at->shift, TW_ROUND_HALF_UP);
  }
}

static inline void rescale_four(const pool_pixel *at, int32_t sums[4]) {
  if (!at->is_short) {
    rescale_slowly(at, sums);
    return;
  }
  const int32_t multiplier = at->multiplier, shift = at->shift;
  sums[0] = p_addrn(sums[0] * multiplier, 0, shift);
  sums[1] = p_addrn(sums[1] * multiplier, 0, shift);
  sums[2] = p_addrn(sums[2] * multiplier, 0, shift);
  sums[3] = p_addrn(sums[3] * multiplier, 0, shift);
}

static inline int32_t clipped(int32_t mean, const rescaled_average_pool_xpulp_args *a) {
  return p_min(p_max(mean + a->y_zero, a->low), a->high);
}

void rescaled_average_pool_xpulp(const void *args, tw_work work) {
  const rescaled_average_pool_xpulp_args *const a = args;
  const int32_t channels = a->channels, groups = (channels + 3) >> 2;
  int32_t pixel = quotient(work.start, groups), first = 4 * (work.start - pixel * groups);
  pool_pixel at = pixel_of(a, pixel);
  for (int32_t item = work.start; item < work.stop; ++item) {
    if (first >= channels) {
      first = 0;
      at = pixel_of(a, ++pixel);
    }
    int32_t sums[4] = {at.start, at.start, at.start, at.start};
    sum_window(a, &at, first, sums);
    rescale_four(&at, sums);
    int32_t four =
        xp_pack(clipped(sums[0], a), clipped(sums[1], a), clipped(sums[2], a), clipped(sums[3], a));
    int8_t *y = a->y + pixel * channels + first;
    first += 4;
    if (first <= channels) {
      xp_store(y, four);
      continue;
    }
    for (int32_t c = first - channels; c < 4; ++c) {
      *y++ = (int8_t)four;
      four >>= 8;
    }
  }
}
