/// Convolution with windows of at most 32 elements: two output pixels stay in registers, weights
/// pass by, and eight sums become int8 without a detour through memory.
///
/// Both pixels are read before either is written, so output may follow input closely in the same
/// memory.
#pragma once

#include "clip_helium.h"
#include "gather_helium.h"
#include "helium_rescale.h"

/// Four times `groups` channels of `pairs` of pixels; the first six members are in the order of
/// the registers that LDM fills. More than one pair only where there are no more channels.
typedef struct {
  const int8_t *w;           // r1: [4 * groups][16 or 32]
  const int32_t *bias;       // r3
  const int32_t *multiplier; // r5
  const int8_t *shift;       // r7
  int32_t zero;              // r9
  int32_t groups;            // r11, > 0
  int8_t *y0, *y1;
  const int8_t *x0, *x1; // [length] each
  int32_t length;
  int32_t step;     // bytes from pair to pair in x
  int32_t pairs;    // > 0, counted down
  int32_t channels; // bytes from pixel to pixel in y
} conv2d_short_helium_job;

/// 36 or 48 instructions for eight outputs by HELIUM_UP, six more by HELIUM_SIGNED, 16 by
/// HELIUM_EVEN, which reads multipliers and shifts again, as registers are short of two.
/// `has_tail`, where rows have 32 elements, and `how` are constants. Results saturate to int8. r7
/// is kept by hand because compilers may use it as frame pointer.
__attribute__((always_inline)) static inline void
conv2d_short_helium_dot(conv2d_short_helium_job *job, int32_t has_tail, helium_rescaling how) {
  register conv2d_short_helium_job *at __asm__("r0") = job;
  __asm__ volatile(
      "ldrd r2, r4, [r0, #24]; push {r0, r2, r4, r7}\n"
      "3:\n\t"
      "ldrd r2, r4, [r0, #32]; ldrd r1, r3, [r0, #40]\n\t"
      "vctp.8 r1; vpstt; vldrbt.u8 q0, [r2]; vldrbt.u8 q2, [r4]\n\t"
      ".if %c[has_tail]; sub r1, #16\n\t"
      "vctp.8 r1; vpstt; vldrbt.u8 q1, [r2, #16]; vldrbt.u8 q3, [r4, #16]; .endif\n\t"
      "add r2, r3; add r4, r3; strd r2, r4, [r0, #32]\n\t"
      "ldm r0, {r1, r3, r5, r7, r9, r11}\n"
      "1:\n\t"
      "vldrb.8 q4, [r1], #16; vmladav.s8 r0, q0, q4; vmladav.s8 r2, q2, q4\n\t"
      ".if %c[has_tail]; vldrb.8 q5, [r1], #16\n\t"
      "vmladava.s8 r0, q1, q5; vmladava.s8 r2, q3, q5; .endif\n\t"
      "vldrb.8 q4, [r1], #16; vmladav.s8 r4, q0, q4; vmladav.s8 r6, q2, q4\n\t"
      ".if %c[has_tail]; vldrb.8 q5, [r1], #16\n\t"
      "vmladava.s8 r4, q1, q5; vmladava.s8 r6, q3, q5; .endif\n\t"
      "vldrb.8 q4, [r1], #16; vmladav.s8 r8, q0, q4; vmladav.s8 r10, q2, q4\n\t"
      ".if %c[has_tail]; vldrb.8 q5, [r1], #16\n\t"
      "vmladava.s8 r8, q1, q5; vmladava.s8 r10, q3, q5; .endif\n\t"
      "vldrb.8 q4, [r1], #16; vmladav.s8 r12, q0, q4; vmladav.s8 lr, q2, q4\n\t"
      ".if %c[has_tail]; vldrb.8 q5, [r1], #16\n\t"
      "vmladava.s8 r12, q1, q5; vmladava.s8 lr, q3, q5; .endif\n\t"
      "vldrw.u32 q4, [r3], #16; vldrw.u32 q5, [r5], #16\n\t"
      "vmov q6[2], q6[0], r0, r8; vmov q6[3], q6[1], r4, r12\n\t"
      "vmov q7[2], q7[0], r2, r10; vmov q7[3], q7[1], r6, lr\n\t"
      "vadd.i32 q6, q6, q4; vadd.i32 q7, q7, q4\n\t"
      ".if %c[how] == %c[even]\n\t"
      ".irp sum, q6, q7\n\t"
      "vmul.i32 q4, \\sum, q5; vmulh.s32 \\sum, \\sum, q5; vclz.i32 q4, q4\n\t"
      "vldrb.s32 q5, [r7]; vshr.s32 q4, q4, #5; vshl.s32 q5, \\sum, q5\n\t"
      "vbic q4, q4, q5; vldrb.s32 q5, [r7]; vsub.i32 \\sum, \\sum, q4\n\t"
      "vrshl.s32 \\sum, \\sum, q5; vldrw.u32 q5, [r5, #-16]; .endr\n\t"
      "adds r7, #4\n\t"
      ".else\n\t"
      "vqrdmulh.s32 q6, q6, q5; vqrdmulh.s32 q7, q7, q5\n\t"
      "vldrb.s32 q4, [r7], #4\n\t"
      ".if %c[how] == %c[both]; vand q5, q6, q4; vshr.s32 q5, q5, #31\n\t"
      "vadd.i32 q6, q6, q5; vand q5, q7, q4; vshr.s32 q5, q5, #31\n\t"
      "vadd.i32 q7, q7, q5; .endif\n\t"
      "vrshl.s32 q6, q6, q4; vrshl.s32 q7, q7, q4; .endif\n\t"
      "vqmovnb.s32 q6, q6; vqmovnt.s32 q6, q7\n\t"
      "vqadd.s16 q6, q6, r9; vqmovnb.s16 q6, q6\n\t"
      "ldrd r0, r2, [sp, #4]\n\t"
      "vstrb.32 q6, [r0], #4; vshr.u32 q6, q6, #16; vstrb.32 q6, [r2], #4\n\t"
      "strd r0, r2, [sp, #4]\n\t"
      "subs r11, #1; bne 1b\n\t"
      "ldr r0, [sp]; ldrd r3, r5, [r0, #48]\n\t"
      "add r5, r2; strd r2, r5, [sp, #4]\n\t"
      "subs r3, #1; str r3, [r0, #48]; bne 3b\n\t"
      "pop {r0, r2, r4, r7}"
      : "+r"(at)
      : [has_tail] "i"(has_tail), [how] "i"(how), [both] "i"(HELIUM_SIGNED), [even] "i"(HELIUM_EVEN)
      : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2",
        "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

/// Four channels at a time, as many as fit, of pairs of pixels.
typedef void conv2d_short_helium_fast(conv2d_short_helium_job *job);

/// Sums of four channels, which start at c, to y[c]: as many as there are.
typedef void conv2d_short_helium_last(const conv2d_helium_args *a, int32_t c, int32x4_t sums,
                                      int8_t *y);

/// What stays the same from pixel to pixel of a call.
typedef struct {
  const conv2d_helium_args *args;
  conv2d_short_helium_fast *fast; // null where every channel goes the other way
  conv2d_short_helium_last *last;
  int32_t length, span; // elements of a window, and of a weight row: 16 or 32
} conv2d_short_helium_call;

/// A conv2d_short_helium_last, but for the rounding, which must be a constant.
__attribute__((always_inline)) static inline void
conv2d_short_helium_store(const conv2d_helium_args *a, int32_t c, int32x4_t sums, int8_t *y,
                          helium_rescaling how) {
  const int32x4_t acc = vaddq_s32(sums, vldrwq_s32(a->bias + c));
  const int32x4_t scaled =
      helium_rescale(acc, vldrwq_s32(a->multiplier + c), vldrbq_s32(a->shift + c), how);
  const int32x4_t clipped = vminq_s32(
      vmaxq_s32(vaddq_n_s32(scaled, a->y_zero), vdupq_n_s32(a->low)), vdupq_n_s32(a->high));
  vstrbq_p_s32(y + c, clipped, vctp32q((uint32_t)(a->out_c - c)));
}

/// At most four channels of one pixel, from c on.
static void conv2d_short_helium_four(const conv2d_short_helium_call *call, int32_t c,
                                     const int8x16_t *x, int8_t *y) {
  int32_t sums[4];
  for (int32_t i = 0; i < 4; i++) {
    const int8_t *w = call->args->w + (c + i) * call->span;
    sums[i] = vmladavq_s8(x[0], vldrbq_s8(w));
    if (call->span > 16) {
      sums[i] = vmladavaq_s8(sums[i], x[1], vldrbq_s8(w + 16));
    }
  }
  call->last(call->args, c, vldrwq_s32(sums), y);
}

/// The window at x: bytes 0 to 15 and 16 to 31.
static inline void conv2d_short_helium_load(const int8_t *x, int32_t length, int8x16_t *window) {
  window[0] = vldrbq_z_s8(x, vctp8q((uint32_t)length));
  window[1] = vldrbq_z_s8(x + 16, vctp8q((uint32_t)tw_max(length - 16, 0)));
}

static void conv2d_short_helium_run(void *whole, const int8_t *x, int32_t step, int32_t count,
                                    int8_t *y) {
  const conv2d_short_helium_call *const call = whole;
  const conv2d_helium_args *const a = call->args;
  const int32_t channels = a->out_c, groups = call->fast ? channels / 4 : 0;
  conv2d_short_helium_job job = {.w = a->w,
                                 .bias = a->bias,
                                 .multiplier = a->multiplier,
                                 .shift = a->shift,
                                 .zero = a->y_zero,
                                 .groups = groups,
                                 .length = call->length,
                                 .step = 2 * step,
                                 .channels = channels};
  int8_t *const first = y;
  int32_t pixels = count;
  while (pixels > 0) {
    const int32_t second = pixels > 1; // an odd last pixel is computed twice
    const int32_t pairs = 4 * groups == channels ? tw_max(pixels / 2, 1) : 1;
    int8x16_t window[2][2];
    job.pairs = pairs;
    job.x0 = x;
    job.x1 = x + second * step;
    job.y0 = y;
    job.y1 = y + second * channels;
    // Now, because y may lie over x: the last channels come after the first are written.
    conv2d_short_helium_load(x, call->length, window[0]);
    conv2d_short_helium_load(x + second * step, call->length, window[1]);
    if (groups > 0) {
      call->fast(&job);
    }
    for (int32_t c = 4 * groups; c < channels; c += 4) {
      conv2d_short_helium_four(call, c, window[0], y);
      conv2d_short_helium_four(call, c, window[1], y + second * channels);
    }
    x += 2 * pairs * step;
    y += 2 * pairs * channels;
    pixels -= 2 * pairs;
  }
  if (a->high - a->low < UINT8_MAX) { // the fast way saturates to int8
    helium_clip(first, count * channels, a->low, a->high);
  }
}

/// fast  for rows of 16 and of 32 elements; null where no fast way is exact
static inline void conv2d_short_helium_core(const conv2d_helium_args *a, tw_work work,
                                            conv2d_short_helium_fast *const fast[2],
                                            conv2d_short_helium_last *last) {
  const int32_t length = a->kernel_w * a->kernel_h * a->in_c, is_long = length > 16;
  conv2d_short_helium_call call = {a, fast[is_long], last, length, is_long ? 32 : 16};
  conv2d_helium_pixels(a, work, work.scratch, conv2d_short_helium_run, &call);
}
