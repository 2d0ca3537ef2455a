/// Four pixels meet groups of four channels: 24 instructions for 64 multiply-accumulates, none of
/// which waits for a load, then requantisation without leaving the registers.
#pragma once

#include "dot_xpulp_asm.h"
#include "xp_requantise.h"

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

/// All groups of all blocks, which have four pixels each, with short shifts. The loop takes about
/// 500 bytes where results below zero are clipped: a core's own instruction cache has 512.
static inline void dot_xpulp_blocks(dot_xpulp_job *job, tw_rounding rounding, int32_t positive) {
  register dot_xpulp_job *at __asm__("s8") = job;
  if (rounding == TW_ROUND_HALF_UP) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_HALF_UP) DOT_STORE
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  } else if (rounding == TW_ROUND_HALF_EVEN) {
    __asm__ volatile(
        DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_HALF_EVEN) "lw t3, 28(sp)\n\t" DOT_STORE
        :
        : "r"(at)
        : DOT_REGISTERS);
  } else if (positive) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("li gp, 1\n\t", XP_POSITIVE) DOT_STORE
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  } else {
    __asm__ volatile(DOT_BEGIN DOT_TAIL("lw s9, 56(sp)\n\t", XP_SIGNED) DOT_STORE
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
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
