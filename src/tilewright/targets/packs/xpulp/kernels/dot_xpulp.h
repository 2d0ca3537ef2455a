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
  const int32_t *multiplier; // 12 scales of lines
  const int32_t *shift;      // 16 offsets of lines
  int8_t *y;                 // 20 first pixel and channel; moves on
  int32_t step;              // 24 bytes from one pixel's window to the next
  int32_t back;              // 28 4 - 3 * step: to the first pixel's next word
  int32_t skip;              // 32 bytes from the end of a run to the start of the next one
  int32_t words;             // 36 of a run
  int32_t rows;              // 40 runs
  int32_t blocks;            // 44 of four neighbouring pixels, at least 1
  int32_t y_step;            // 48 bytes from one output pixel to the next
  int32_t pixels;            // 52 that are stored, 1 to 4
  int32_t low, high;         // 56, 60 bounds, four times
  int32_t bytes;             // 64 which bytes pv.shuffle2.b takes: the upper ones
  int32_t next;              // 68 bytes from one block's first window to the next one's
  int32_t sp;                // 72 the stack pointer, which the assembly puts here
  const int8_t *x_start;     // 76 x and
  int8_t *y_start;           // 80 y of the first block; y_start moves on
  int32_t groups;            // 84 of four channels, at least 1
  int32_t base;              // 88 of `finish`
  xp_finish finish;          // 92; its y_zero is 104
} dot_xpulp_job;

static inline void dot_xpulp_finish_by(dot_xpulp_job *job, xp_finish finish) {
  job->finish = finish;
  job->base = finish.base;
  job->low = (finish.low & 0xff) * 0x01010101;
  job->high = (finish.high & 0xff) * 0x01010101;
  job->bytes = 0x0703;
}

/// All groups of all blocks, which have four pixels each, where all channels have lines. The loop
/// takes little more than the 512 bytes of a core's own instruction cache.
static inline void dot_xpulp_blocks(dot_xpulp_job *job, tw_rounding rounding) {
  register dot_xpulp_job *at __asm__("s8") = job;
  if (rounding == TW_ROUND_DOUBLE && job->finish.kind == XP_FINISH_ODD) {
    __asm__ volatile(DOT_BEGIN DOT_BASE DOT_TAIL(XP_ODD) DOT_STORE(DOT_NO_CLIP)
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  } else if (job->finish.kind == XP_FINISH_FULL) {
    __asm__ volatile(DOT_BEGIN DOT_TAIL(XP_EVEN) DOT_STORE(DOT_NO_CLIP)
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  } else {
    __asm__ volatile(DOT_BEGIN DOT_TAIL(XP_EVEN) DOT_BOUNDS DOT_STORE(DOT_CLIP)
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  }
}

/// The same where all channels keep integers with short shifts.
static __attribute__((noinline)) void dot_xpulp_integers(dot_xpulp_job *job, tw_rounding rounding) {
  register dot_xpulp_job *at __asm__("s8") = job;
  if (rounding == TW_ROUND_DOUBLE) {
    __asm__ volatile(DOT_BEGIN DOT_INTEGER_TAIL(DOT_DOUBLE) DOT_BOUNDS DOT_STORE(DOT_CLIP)
                     :
                     : "r"(at)
                     : DOT_REGISTERS);
  } else {
    __asm__ volatile(DOT_BEGIN DOT_INTEGER_TAIL(DOT_UP) DOT_BOUNDS DOT_STORE(DOT_CLIP)
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

/// `channels` channels, 1 to 4, of all blocks, with lines or without.
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
        y[p * job->y_step + c] =
            (int8_t)xp_finish_one(sums[4 * c + p], multiplier, shift, &job->finish, rounding);
      }
    }
    job->y = y + 4 * job->y_step;
  }
}

/// How many groups from the first one on have lines.
static inline int32_t dot_xpulp_with_lines(const int32_t *offsets, int32_t groups) {
  int32_t count = 0;
  while (count < groups && xp_has_line(offsets[4 * count])) {
    ++count;
  }
  return count;
}

/// Whether a group of four keeps integers that the assembly takes.
static inline int32_t dot_xpulp_has_integers(const int32_t *shift, tw_rounding rounding) {
  if (rounding == TW_ROUND_HALF_EVEN) {
    return 0;
  }
  int32_t count = 0; // lines are had by all four or none; slow shifts are stored below zero
  for (int32_t c = 0; c < 4; ++c) {
    count += !xp_has_line(shift[c]) && ((shift[c] & 0x80) != 0 || rounding == TW_ROUND_HALF_UP);
  }
  return count == 4;
}

/// `channels` channels of a job.
static inline void dot_xpulp_channels(dot_xpulp_job *job, int32_t channels, tw_rounding rounding) {
  const int32_t group_bytes = 16 * job->words * job->rows, blocks = job->blocks;
  job->x_start = job->x;
  job->y_start = job->y;
  while (channels > 0) {
    job->groups = job->pixels == 4 && job->finish.kind != XP_FINISH_ODD_CLIPPED
                      ? dot_xpulp_with_lines(job->shift, channels >> 2)
                      : 0;
    if (job->groups > 0) {
      channels -= 4 * job->groups;
      dot_xpulp_blocks(job, rounding);
      continue;
    }
    if (job->pixels == 4 && channels >= 4 && dot_xpulp_has_integers(job->shift, rounding)) {
      job->groups = 1;
      channels -= 4;
      dot_xpulp_integers(job, rounding);
      continue;
    }
    job->x = job->x_start;
    job->y = job->y_start;
    dot_xpulp_any(job, p_min(channels, 4), rounding);
    job->x = job->x_start;
    job->blocks = blocks;
    job->y_start += 4;
    job->y = job->y_start;
    job->w += group_bytes;
    job->bias += 4;
    job->multiplier += 4;
    job->shift += 4;
    channels -= 4;
  }
}
