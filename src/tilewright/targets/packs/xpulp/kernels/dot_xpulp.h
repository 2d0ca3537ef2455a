/// Four pixels meet groups of four channels: 24 instructions for 64 multiply-accumulates, none of
/// which waits for a load, then requantisation without leaving the registers.
///
/// One piece of assembly, because compilers spill half of the sixteen accumulators. Registers:
///   a0-a7, s0-s7    accumulators: c0 is a0-a3 for the four pixels, c1 a4-a7, c2 s0-s3, c3 s4-s7
///   s8, then sp     the dot_xpulp_job
///   s9 s10          input, weights, both moving
///   s11 t3 t4 t5    step, back, skip, words of the job
///   t6              blocks that are left
///   gp tp t2 ra     the pixels' words; t0 t1 two channels' words
#pragma once

#include "xp_finish.h"

/// In the order in which the assembly reads it.
typedef struct {
  const int8_t *x;           //  0 first window; moves on
  const int8_t *w;           //  4
  const int32_t *bias;       //  8
  const int32_t *multiplier; // 12
  const int32_t *shift;      // 16
  int8_t *y;                 // 20 first pixel and channel; moves on
  int32_t step;              // 24 bytes from one pixel's window to the next
  int32_t back;              // 28 4 - 3 * step: to the first pixel's next word
  int32_t skip;              // 32 bytes from the end of a run to the start of the next one
  int32_t words;             // 36 of a run
  int32_t rows;              // 40 runs
  int32_t blocks;            // 44 of four neighbouring pixels, at least 1
  int32_t y_step;            // 48 bytes from one output pixel to the next
  int32_t pixels;            // 52 that are stored, 1 to 4
  int32_t low, high;         // 56, 60 clip range before y_zero is added
  int32_t zeros;             // 64 y_zero in four bytes
  int32_t next;              // 68 bytes from one block's first window to the next one's
  int32_t sp;                // 72 the stack pointer, which the assembly puts here
  const int8_t *x_start;     // 76 x and
  int8_t *y_start;           // 80 y of the first block; y_start moves on
  int32_t groups;            // 84 of four channels, at least 1
} dot_xpulp_job;

#define DOT_LW(rd, step, at) ".insn r 0x0b, 7, 0x10, " rd ", " at ", " step "\n\t"
#define DOT_NEXT(rd, at) ".insn i 0x0b, 2, " rd ", " at ", 4\n\t"
#define DOT_DOT(acc, x, w) ".insn r 0x57, 1, 0x5c, " acc ", " x ", " w "\n\t"
#define DOT_FOUR(a, b, c, d, w)                                                                    \
  DOT_DOT(a, "gp", w) DOT_DOT(b, "tp", w) DOT_DOT(c, "t2", w) DOT_DOT(d, "ra", w)
#define DOT_COPY(a, b, c, d) "mv " b ", " a "\n\tmv " c ", " a "\n\tmv " d ", " a "\n\t"

/// What comes before the first group, and the sums of one group.
#define DOT_BEGIN                                                                                  \
  "sw sp, 72(s8)\n\tmv sp, s8\n\t" /* c.lwsp is half as long as a load by another register */        \
  "lw s11, 24(sp)\n\tlw t3, 28(sp)\n\tlw t4, 32(sp)\n\tlw t5, 36(sp)\n\t"         \
  "lw t6, 44(sp)\n\t.balign 16\n"                                                                   \
  "0:\n\tlw t0, 8(sp)\n\tlw s9, 0(sp)\n\tlw s10, 4(sp)\n\t"                                                         \
  DOT_NEXT("a0", "t0") DOT_NEXT("a4", "t0") DOT_NEXT("s0", "t0") DOT_NEXT("s4", "t0")              \
  "lw t0, 68(sp)\n\tlw t2, 40(sp)\n\tadd t0, t0, s9\n\tsw t0, 0(sp)\n\t"                                                              \
  DOT_COPY("a0", "a1", "a2", "a3") DOT_COPY("a4", "a5", "a6", "a7")                                \
  DOT_COPY("s0", "s1", "s2", "s3") DOT_COPY("s4", "s5", "s6", "s7")                                \
  ".option push\n\t.option norvc\n\t"                                                              \
  ".insn i 0x7b, 4, x1, t2, 52\n\t" /* lp.setup 1: 26 instructions */                              \
  ".insn i 0x7b, 4, x0, t5, 48\n\t" /* lp.setup 0: 24 instructions */                              \
  DOT_LW("gp", "s11", "s9") DOT_LW("tp", "s11", "s9") DOT_LW("t2", "s11", "s9")                    \
  DOT_LW("ra", "t3", "s9")                                                                         \
  DOT_NEXT("t0", "s10") DOT_NEXT("t1", "s10")                                                      \
  DOT_FOUR("a0", "a1", "a2", "a3", "t0")                                                           \
  DOT_NEXT("t0", "s10")                                                                            \
  DOT_FOUR("a4", "a5", "a6", "a7", "t1")                                                           \
  DOT_NEXT("t1", "s10")                                                                            \
  DOT_FOUR("s0", "s1", "s2", "s3", "t0")                                                           \
  DOT_FOUR("s4", "s5", "s6", "s7", "t1")                                                           \
  "add s9, s9, t4\n\t.option pop\n\t"

#define DOT_CHANNEL(one, a, b, c, d)                                                               \
  DOT_NEXT("t0", "t2") DOT_NEXT("t1", "ra") one(a) one(b) one(c) one(d)
/// `set` loads s9 or gp as `one` wants them.
#define DOT_TAIL(set, one)                                                                              \
  "lw t2, 12(sp)\n\tlw ra, 16(sp)\n\tlw tp, 60(sp)\n\t" set                  \
  DOT_CHANNEL(one, "a0", "a1", "a2", "a3") DOT_CHANNEL(one, "a4", "a5", "a6", "a7")                \
  DOT_CHANNEL(one, "s0", "s1", "s2", "s3") DOT_CHANNEL(one, "s4", "s5", "s6", "s7")

/// Four channels of one pixel in t0: pv.packlo.b, pv.packhi.b, pv.add.b, p.sw with post-increment.
#define DOT_PIXEL(a, b, c, d)                                                                      \
  ".insn r 0x57, 1, 0x70, t0, " b ", " a "\n\t.insn r 0x57, 1, 0x6c, t0, " d ", " c "\n\t"         \
  ".insn r 0x57, 1, 0x00, t0, t0, t1\n\t.insn r 0x2b, 6, 0x00, ra, gp, t0\n\t"
/// A member of the job moves on, and is in t0.
#define DOT_ON(at, by) "lw t0, " #at "(sp)\n\taddi t0, t0, " #by "\n\tsw t0, " #at "(sp)\n\t"
/// Results of the four pixels; on to the next block, or to the next group with the first block.
#define DOT_STORE                                                                                  \
  "lw gp, 20(sp)\n\tlw ra, 48(sp)\n\tlw t1, 64(sp)\n\t"                           \
  "addi t6, t6, -1\n\t"                                         \
  DOT_PIXEL("a0", "a4", "s0", "s4")                                                                \
  DOT_PIXEL("a1", "a5", "s1", "s5")                                                                \
  DOT_PIXEL("a2", "a6", "s2", "s6")                                                                \
  DOT_PIXEL("a3", "a7", "s3", "s7")                                                                \
  "sw gp, 20(sp)\n\tbnez t6, 0b\n\t"                                                                \
  DOT_ON(8, 16) DOT_ON(12, 16) DOT_ON(16, 16) DOT_ON(80, 4)                                        \
  "sw t0, 20(sp)\n\tlw t0, 76(sp)\n\tsw t0, 0(sp)\n\tsw s10, 4(sp)\n\tlw t6, 44(sp)\n\t"           \
  DOT_ON(84, -1)                                                                                   \
  "bnez t0, 0b\n\tlw sp, 72(sp)"

#define DOT_REGISTERS                                                                              \
  "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",  \
      "s9", "s10", "s11", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "memory"

/// All groups of all blocks, which have four pixels each, with short shifts. The loop takes about
/// 500 bytes where results below zero are clipped: a core's own instruction cache has 512.
static inline void dot_xpulp_blocks(dot_xpulp_job *job, tw_rounding rounding, int32_t positive) {
  register dot_xpulp_job *at __asm__("s8") = job;
  if (rounding == TW_ROUND_HALF_UP) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_HALF_UP) DOT_STORE : : "r"(at) : DOT_REGISTERS);
  } else if (rounding == TW_ROUND_HALF_EVEN) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_HALF_EVEN) "lw t3, 28(sp)\n\t" DOT_STORE : : "r"(at) : DOT_REGISTERS);
  } else if (positive) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("li gp, 1\n\t", XP_POSITIVE) DOT_STORE : : "r"(at) : DOT_REGISTERS);
  } else {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_SIGNED) DOT_STORE : : "r"(at) : DOT_REGISTERS);
  }
}

/// Sums of one group, [4 channels][4 pixels], for what the short forms cannot do.
static inline void dot_xpulp_sums(dot_xpulp_job *job, int32_t sums[16]) {
  register dot_xpulp_job *at __asm__("s8") = job;
  job->y = (int8_t *)sums;
  __asm__ volatile(DOT_BEGIN "lw gp, 20(sp)\n\t"
                             "sw a0, 0(gp)\n\tsw a1, 4(gp)\n\tsw a2, 8(gp)\n\tsw a3, 12(gp)\n\t"
                             "sw a4, 16(gp)\n\tsw a5, 20(gp)\n\tsw a6, 24(gp)\n\tsw a7, 28(gp)\n\t"
                             "sw s0, 32(gp)\n\tsw s1, 36(gp)\n\tsw s2, 40(gp)\n\tsw s3, 44(gp)\n\t"
                             "sw s4, 48(gp)\n\tsw s5, 52(gp)\n\tsw s6, 56(gp)\n\tsw s7, 60(gp)\n\t"
                             "lw sp, 72(sp)"
                   :
                   : "r"(at)
                   : DOT_REGISTERS);
}

/// `channels` channels, 1 to 4, of all blocks, with any shifts.
static __attribute__((noinline)) void dot_xpulp_any(dot_xpulp_job *job, int32_t channels,
                                                    tw_rounding rounding) {
  int32_t sums[16];
  for (int32_t blocks = job->blocks; blocks > 0; --blocks) {
    int8_t *const y = job->y;
    job->blocks = 1;
    dot_xpulp_sums(job, sums);
    for (int32_t c = 0; c < channels; ++c) {
      const int32_t multiplier = job->multiplier[c], shift = job->shift[c];
      for (int32_t p = 0; p < job->pixels; ++p) {
        const int32_t v = xp_rescale_any(sums[4 * c + p], multiplier, shift, rounding);
        y[p * job->y_step + c] = (int8_t)(tw_clip(v, job->low, job->high) + job->zeros);
      }
    }
    job->y = y + 4 * job->y_step;
  }
}

/// `channels` channels of a job; shifts of a layer are all short or all not.
static inline void dot_xpulp_channels(dot_xpulp_job *job, int32_t channels, tw_rounding rounding) {
  const int32_t group_bytes = 16 * job->words * job->rows, blocks = job->blocks;
  job->x_start = job->x;
  job->y_start = job->y;
  if (job->shift[0] >= 0 && job->pixels == 4 && channels >= 4) {
    job->groups = channels >> 2;
    dot_xpulp_blocks(job, rounding, job->low == 0);
    channels &= 3;
  }
  for (; channels > 0; channels -= 4) {
    job->x = job->x_start;
    job->y = job->y_start;
    dot_xpulp_any(job, p_min(channels, 4), rounding);
    job->blocks = blocks;
    job->y_start += 4;
    job->w += group_bytes;
    job->bias += 4;
    job->multiplier += 4;
    job->shift += 4;
  }
}
