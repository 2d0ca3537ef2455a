#include "truncated_rms_norm_s8.h"

#include "square_root.h"
#include "truncated_norm.h"
#include "tw_arithmetic.h"

void truncated_rms_norm_s8(const void *args, tw_work work) {
  const truncated_rms_norm_s8_args *const a = args;
  const int32_t length = a->length, shift = a->shift, zero = a->x_zero;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int8_t *const x = a->x + row * length;
    int8_t *const y = a->y + row * length;
    int32_t squares = 0;
    for (int32_t i = 0; i < length; i++) {
      squares += (x[i] - zero) * (x[i] - zero);
    }
    const int32_t root = (int32_t)square_root_32((uint32_t)(squares / length + 1));
    for (int32_t i = 0; i < length; i++) {
      const int64_t scaled = truncated_norm_scaled(x[i] - zero, a->scale[i], root);
      const int64_t shifted = tw_shift_right_64(scaled, shift);
      y[i] = (int8_t)(shifted < -128 ? -128 : shifted > 127 ? 127 : shifted);
    }
  }
}
