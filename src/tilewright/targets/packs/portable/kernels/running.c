#include "rows.h"
#include "wrapped_s32.h"

void running_f32(const void *args, tw_work work) {
  const running_f32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const float *const x = k->x + row * k->columns;
    float *const y = k->y + row * k->columns;
    float made = k->is_product ? 1.0F : 0.0F;
    for (int32_t i = 0; i < k->columns; i++) {
      const float next = k->is_product ? made * x[i] : made + x[i];
      y[i] = k->is_exclusive ? made : next;
      made = next;
    }
  }
}

void running_s32(const void *args, tw_work work) {
  const running_s32_args *const k = args;
  for (int32_t row = work.start; row < work.stop; row++) {
    const int32_t *const x = k->x + row * k->columns;
    int32_t *const y = k->y + row * k->columns;
    int32_t made = k->is_product ? 1 : 0;
    for (int32_t i = 0; i < k->columns; i++) {
      const int32_t next = k->is_product ? tw_wrapped_mul(made, x[i]) : tw_wrapped_add(made, x[i]);
      y[i] = k->is_exclusive ? made : next;
      made = next;
    }
  }
}
