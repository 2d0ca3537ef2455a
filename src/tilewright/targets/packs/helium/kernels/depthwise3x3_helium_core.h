/// Depthwise 3x3 convolution as dot products over the window.
///
/// Three input rows are kept transposed, one plane per channel, their bytes alternating: the nine
/// elements of a window are then neighbours, and VMLADAV sums them in one instruction (weights
/// are zero in the other seven lanes). An input row takes the place of the third last one, so
/// every element is transposed once; the weights follow by a gather that starts at the oldest row.
///
/// A row's windows are gathered before its first output is written, and earlier rows are never
/// read again, so output may follow input closely in the same memory.
#pragma once

#include "clip_helium.h"
#include "depthwise3x3_helium.h"
#include "fill_helium.h"
#include "helium_rescale.h"

enum { WINDOW_ROWS = 3, WINDOW_TAPS = 9 };

/// One output row, or a part of it: `left` channels, four at a time. The first eleven members are
/// in the order of the registers that LDM fills; those up to `left` move on by four channels.
typedef struct {
  const int8_t *w;           // r1: [kx][ky] of the first channel
  const int32_t *bias;       // r2
  const int32_t *multiplier; // r3
  const int8_t *shift;       // r4
  const int8_t *x;           // r5: window of the first pixel and channel
  int8_t *y;                 // r6
  int32_t left;              // r7, > 0
  int32_t plane;             // r8: bytes from channel to channel in x
  int32_t next;              // r9: bytes from pixel to pixel in y
  int32_t pixels;            // r10, > 0
  int32_t zero;              // r11: zero point of the output
  int32_t step;              // bytes from window to window in x
  uint8_t taps[16];          // where in w each lane finds its weight
} depthwise3x3_helium_job;

/// Four channels of each pixel, saturated to int8: 20 instructions for four outputs by HELIUM_UP,
/// 24 by HELIUM_SIGNED, 27 by HELIUM_EVEN, which read the bias again, and half even the shifts, as
/// registers are short of one or two. `step` and `how` must be constants. r7 is kept by hand
/// because compilers may use it as frame pointer.
__attribute__((always_inline)) static inline void
depthwise3x3_helium_quick(depthwise3x3_helium_job *job, int32_t step, helium_rescaling how) {
  register depthwise3x3_helium_job *at __asm__("r0") = job;
  __asm__ volatile("push {r0, r7}\n"
                   "1:\n\t"
                   "ldr r0, [sp]\n\t"
                   "ldm r0, {r1-r11}\n\t"
                   "mov r12, #9; vctp.8 r12\n\t"
                   "vldrw.u32 q7, [r0, #48]\n\t"
                   "vpstttt\n\t"
                   "vldrbt.u8 q0, [r1, q7]; vaddt.i8 q7, q7, r12\n\t"
                   "vldrbt.u8 q1, [r1, q7]; vaddt.i8 q7, q7, r12\n\t"
                   "vpsttt\n\t"
                   "vldrbt.u8 q2, [r1, q7]; vaddt.i8 q7, q7, r12\n\t"
                   "vldrbt.u8 q3, [r1, q7]\n\t"
                   "dls lr, r10; .if %c[how] != %c[up]; mov r12, r2; .endif\n\t"
                   "vldrw.u32 q4, [r2], #16; vldrw.u32 q5, [r3], #16\n\t"
                   "vldrb.s32 q6, [r4], #4\n\t"
                   "vctp.32 r7\n\t"
                   "add r1, #36\n\t"
                   "push {r5}\n\t"
                   "add r5, r5, r8, lsl #2\n\t"
                   "adds r6, #4; subs r7, #4\n\t"
                   "stm r0, {r1-r7}\n\t"
                   ".if %c[how] == %c[even]; subs r1, r4, #4; .endif\n\t"
                   "pop {r10}; add r3, r10, r8; add r5, r3, r8; add r8, r5\n\t"
                   "subs r7, r6, #4\n"
                   "2:\n\t"
                   "vldrb.8 q7, [r10], #%c[step]; vmladav.s8 r0, q7, q0\n\t"
                   "vldrb.8 q7, [r3], #%c[step]; vmladav.s8 r2, q7, q1\n\t"
                   "vldrb.8 q7, [r5], #%c[step]; vmladav.s8 r4, q7, q2\n\t"
                   "vldrb.8 q7, [r8], #%c[step]; vmladav.s8 r6, q7, q3\n\t"
                   "vmov q7[2], q7[0], r0, r4\n\t"
                   "vmov q7[3], q7[1], r2, r6\n\t"
                   ".if %c[how] != %c[up]; vldrw.u32 q4, [r12]; .endif\n\t"
                   "vadd.i32 q7, q7, q4\n\t"
                   ".if %c[how] == %c[even]\n\t"
                   "vmul.i32 q4, q7, q5; vmulh.s32 q7, q7, q5\n\t"
                   "vclz.i32 q4, q4; vshr.s32 q4, q4, #5; vshl.s32 q6, q7, q6\n\t"
                   "vbic q4, q4, q6; vldrb.s32 q6, [r1]; vsub.i32 q7, q7, q4\n\t"
                   ".else\n\t"
                   "vqrdmulh.s32 q7, q7, q5\n\t"
                   ".endif; .if %c[how] == %c[both]\n\t"
                   "vand q4, q7, q6; vshr.s32 q4, q4, #31; vadd.i32 q7, q7, q4\n\t"
                   ".endif\n\t"
                   "vrshl.s32 q7, q7, q6\n\t"
                   "vadd.i32 q7, q7, r11\n\t"
                   "vqmovnb.s32 q7, q7; vqmovnb.s16 q7, q7\n\t"
                   "vpst; vstrbt.32 q7, [r7]\n\t"
                   "add r7, r9\n\t"
                   "le lr, 2b\n\t"
                   "ldr r0, [sp]; ldr r1, [r0, #24]; cmp r1, #0; bgt 1b\n\t"
                   "pop {r0, r7}"
                   : "+r"(at)
                   : [step] "i"(step), [how] "i"(how), [up] "i"(HELIUM_UP),
                     [both] "i"(HELIUM_SIGNED), [even] "i"(HELIUM_EVEN)
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr",
                     "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// The same for any rounding, clip range and step.
static inline void depthwise3x3_helium_any(const depthwise3x3_helium_job *job, int32_t low,
                                           int32_t high, helium_rescaling how) {
  const uint8x16_t taps = vldrbq_u8(job->taps);
  const mve_pred16_t nine = vctp8q(WINDOW_TAPS);
  for (int32_t c = 0; c < job->left; c += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(job->left - c));
    const int32x4_t bias = vldrwq_s32(job->bias + c);
    const int32x4_t multiplier = vldrwq_s32(job->multiplier + c);
    const int32x4_t shift = vldrbq_s32(job->shift + c);
    int8_t *y = job->y + c;
    int8x16_t w[4];
    for (int32_t j = 0; j < 4; j++) {
      w[j] = vldrbq_gather_offset_z_s8(job->w + (c + j) * WINDOW_TAPS, taps, nine);
    }
    for (int32_t i = 0; i < job->pixels; i++, y += job->next) {
      const int8_t *x = job->x + c * job->plane + i * job->step;
      int32_t sums[4];
      for (int32_t j = 0; j < 4; j++) {
        sums[j] = vmladavq_s8(vldrbq_s8(x + j * job->plane), w[j]);
      }
      const int32x4_t acc = vaddq_s32(vldrwq_s32(sums), bias);
      const int32x4_t y4 = vaddq_n_s32(helium_rescale(acc, multiplier, shift, how), job->zero);
      vstrbq_p_s32(y, vminq_s32(vmaxq_s32(y4, vdupq_n_s32(low)), vdupq_n_s32(high)), lanes);
    }
  }
}

/// Where lane 3 * kx + slot finds its weight among [kx][ky], when the window's rows start at slot
/// `oldest`.
static inline void depthwise3x3_helium_taps(int32_t oldest, uint8_t *taps) {
  for (int32_t slot = 0; slot < WINDOW_ROWS; slot++) {
    const int32_t ky = slot < oldest ? slot + WINDOW_ROWS - oldest : slot - oldest;
    taps[slot] = (uint8_t)ky;
    taps[slot + WINDOW_ROWS] = (uint8_t)(ky + WINDOW_ROWS);
    taps[slot + 2 * WINDOW_ROWS] = (uint8_t)(ky + 2 * WINDOW_ROWS);
  }
}

/// to[lane[i] + 3 * pixel] = x[i + next * pixel] for eight channels i, or `channels` where
/// `is_part`, a constant.
__attribute__((always_inline)) static inline void
depthwise3x3_helium_eight(const int8_t *x, int32_t next, int32_t channels, int32_t pixels,
                          uint16x8_t lane, int8_t *to, int32_t is_part) {
  __asm__ volatile("vctp.16 %[channels]\n\t"
                   "wls lr, %[pixels], 2f\n"
                   "1:\n\t"
                   ".if %c[is_part]\n\t"
                   "vpstt; vldrbt.u16 q0, [%[x]]; vstrbt.16 q0, [%[to], %q[lane]]\n\t"
                   ".else\n\t"
                   "vldrb.u16 q0, [%[x]]; vstrb.16 q0, [%[to], %q[lane]]\n\t"
                   ".endif\n\t"
                   "add %[x], %[next]; adds %[to], #3\n\t"
                   "le lr, 1b\n"
                   "2:"
                   : [x] "+l"(x), [to] "+l"(to)
                   : [next] "r"(next), [channels] "r"(channels), [pixels] "r"(pixels),
                     [lane] "w"(lane), [is_part] "i"(is_part)
                   : "lr", "q0", "cc", "memory");
}

/// Transposes input row `row` of an image into `slot` of `planes`; the columns of padding at
/// its sides are not written.
static inline void depthwise3x3_helium_row(const depthwise3x3_helium_args *a, const int8_t *image,
                                           int32_t row, int32_t slot, int8_t *planes) {
  const int32_t channels = a->channels, pixels = a->columns;
  const uint16x8_t lane = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)a->plane);
  const int32_t is_inside = row >= 0 && row < a->in_h;
  int8_t padding[8];
  int8_t *to = planes + a->pad_left * WINDOW_ROWS + slot;
  const int8_t *x = is_inside ? image + row * a->in_w * channels : padding;
  helium_fill(padding, a->x_zero, 8);
  for (int32_t c = 0; c < channels; c += 8, x += is_inside ? 8 : 0, to += 8 * a->plane) {
    if (channels - c >= 8) {
      depthwise3x3_helium_eight(x, is_inside ? channels : 0, 8, pixels, lane, to, 0);
    } else {
      depthwise3x3_helium_eight(x, is_inside ? channels : 0, channels - c, pixels, lane, to, 1);
    }
  }
}

/// How the pixels of one output row, or a part of it, are computed.
typedef void depthwise3x3_helium_pixels(depthwise3x3_helium_job *job, int32_t low, int32_t high);

/// Output pixels [column, column + pixels) of one row, whose window starts at slot `oldest`.
static inline void depthwise3x3_helium_part(const depthwise3x3_helium_args *a, const int8_t *planes,
                                            int32_t oldest, int32_t column, int32_t pixels,
                                            int8_t *y, depthwise3x3_helium_pixels *compute,
                                            int32_t clips) {
  const int32_t step = a->stride_w * WINDOW_ROWS;
  depthwise3x3_helium_job job = {.w = a->w,
                                 .bias = a->bias,
                                 .multiplier = a->multiplier,
                                 .shift = a->shift,
                                 .x = planes + column * step,
                                 .y = y,
                                 .left = a->channels,
                                 .plane = a->plane,
                                 .next = a->channels,
                                 .pixels = pixels,
                                 .zero = a->y_zero,
                                 .step = step};
  depthwise3x3_helium_taps(oldest, job.taps);
  compute(&job, a->low, a->high);
  if (clips) {
    helium_clip(y, pixels * a->channels, a->low, a->high);
  }
}

/// quick  for windows that move by one column, and by two: what `compute` does, but for clipping;
///        null where their way is not exact
static inline void depthwise3x3_helium_core(const depthwise3x3_helium_args *a, tw_work work,
                                            depthwise3x3_helium_pixels *const quick[2],
                                            depthwise3x3_helium_pixels *compute) {
  int32_t clips = 0;
  if (quick != 0 && a->stride_w <= 2) {
    compute = quick[a->stride_w - 1];
    clips = a->low > INT8_MIN || a->high < INT8_MAX;
  }
  const int32_t image_items = a->out_h * a->out_w;
  int8_t *const planes = work.scratch;
  helium_fill(planes, a->x_zero, a->planes); // also the columns of padding
  int32_t pixels = 0;
  int32_t held = 0; // rows of padded input below this one are in their slots; row 0 is -pad_top
  for (int32_t at = work.start; at < work.stop; at += pixels) {
    const int32_t image = at / image_items, row = at / a->out_w % a->out_h;
    const int32_t column = at % a->out_w;
    const int32_t first = row * a->stride_h;
    pixels = tw_min(work.stop - at, a->out_w - column);
    if (at == work.start || row == 0) {
      held = first;
    }
    for (held = tw_max(held, first); held < first + WINDOW_ROWS; held++) {
      depthwise3x3_helium_row(a, a->x + image * a->in_h * a->in_w * a->channels, held - a->pad_top,
                              held % WINDOW_ROWS, planes);
    }
    depthwise3x3_helium_part(a, planes, first % WINDOW_ROWS, column, pixels,
                             a->y + at * a->channels, compute, clips);
  }
}
