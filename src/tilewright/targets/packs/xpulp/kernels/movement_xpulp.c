/// Rows of bytes by words; ends of rows and of words may lie anywhere.
#include "movement_xpulp.h"

#include "xp_fours.h"

static inline void movement_bytes(int8_t *to, const int8_t *from, int32_t bytes) {
  xp_copy_words(to, from, bytes >> 2);
  for (int32_t i = bytes & ~3; i < bytes; ++i) {
    to[i] = from[i];
  }
}

void concat2_xpulp(const void *args, tw_work work) {
  const concat2_args *const a = args;
  const int32_t bytes0 = a->bytes0, bytes1 = a->bytes1, both = bytes0 + bytes1;
  const int8_t *x0 = (const int8_t *)a->x0 + work.start * bytes0;
  const int8_t *x1 = (const int8_t *)a->x1 + work.start * bytes1;
  int8_t *y = (int8_t *)a->y + work.start * both;
  for (int32_t row = work.start; row < work.stop; ++row, x0 += bytes0, x1 += bytes1, y += both) {
    movement_bytes(y, x0, bytes0);
    movement_bytes(y + bytes0, x1, bytes1);
  }
}

void mapped_concat_xpulp(const void *args, tw_work work) {
  const mapped_concat_s8_args *const a = args;
  const int32_t bytes0 = a->bytes0, bytes1 = a->bytes1;
  const int8_t *const centre = a->table + 128;
  const int8_t *x = a->x + work.start * bytes0, *added = a->added + work.start * bytes1;
  int8_t *y = a->y + work.start * (bytes0 + bytes1);
  for (int32_t row = work.start; row < work.stop; ++row, x += bytes0) {
    movement_bytes(y, x, bytes0);
    y += bytes0;
    for (int32_t i = 0; i < bytes1; ++i) {
      *y++ = (int8_t)p_lb_at(centre, *added++);
    }
  }
}

/// So many runs of `words` words that lie `step` bytes apart become neighbours.
static inline void movement_gather(int8_t *to, const int8_t *from, int32_t step, int32_t words,
                                   int32_t runs) {
  if (words > 1) {
    for (; runs > 0; --runs, from += step, to += 4 * words) {
      xp_copy_words(to, from, words);
    }
    return;
  }
  int32_t word;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 4\n\t" // lp.setup: 2 instructions
                   ".insn r 0x0b, 7, 0x10, %[word], %[from], %[step]\n\t" // p.lw
                   ".insn s 0x2b, 2, %[word], 4(%[to])\n\t"               // p.sw
                   ".option pop"
                   : [word] "=&r"(word), [from] "+r"(from), [to] "+r"(to)
                   : [n] "r"(runs), [step] "r"(step)
                   : "memory");
}

void transpose_words_xpulp(const void *args, tw_work work) {
  const transpose_args *const a = args;
  const int32_t extents[4] = {a->n0, a->n1, a->n2, a->n3};
  const int32_t strides[4] = {a->s0, a->s1, a->s2, a->s3};
  const int32_t inner = a->n4, bytes = a->n5, step = a->s4;
  int8_t *y = (int8_t *)a->y + work.start * bytes;
  int32_t runs;
  for (int32_t row = work.start; row < work.stop; row += runs, y += runs * bytes) {
    int32_t index = row / inner;
    const int32_t first = row - index * inner;
    int32_t start = first * step;
    for (int32_t d = 3; index > 0; --d) {
      const int32_t outer = index / extents[d];
      start += (index - outer * extents[d]) * strides[d];
      index = outer;
    }
    runs = p_min(inner - first, work.stop - row);
    movement_gather(y, (const int8_t *)a->x + start, step, bytes >> 2, runs);
  }
}
