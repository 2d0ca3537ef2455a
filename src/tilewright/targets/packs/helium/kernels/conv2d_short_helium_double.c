#include "conv2d_short_helium_core.h"

static void up_16(conv2d_short_helium_job *job) { conv2d_short_helium_dot(job, 0, HELIUM_UP); }

static void up_32(conv2d_short_helium_job *job) { conv2d_short_helium_dot(job, 1, HELIUM_UP); }

static void signed_16(conv2d_short_helium_job *job) {
  conv2d_short_helium_dot(job, 0, HELIUM_SIGNED);
}

static void signed_32(conv2d_short_helium_job *job) {
  conv2d_short_helium_dot(job, 1, HELIUM_SIGNED);
}

static void last_left(const conv2d_helium_args *a, int32_t c, int32x4_t sums, int8_t *y) {
  conv2d_short_helium_store(a, c, sums, y, HELIUM_LEFT);
}

void conv2d_short_helium_double(const void *args, tw_work work) {
  static conv2d_short_helium_fast *const fast[][2] = {
      [HELIUM_UP] = {up_16, up_32}, [HELIUM_SIGNED] = {signed_16, signed_32}, [HELIUM_LEFT] = {0}};
  const conv2d_helium_args *a = args;
  const helium_rescaling how =
      helium_choose(a->shift, a->out_c, a->y_zero, a->low, TW_ROUND_DOUBLE);
  conv2d_short_helium_core(a, work, fast[how], last_left);
}
