#include "lut_helium.h"

#include <arm_mve.h>

void lut_helium(const void *args, tw_work work) {
  const lut_helium_args *const a = args;
  const int8_t *const table = a->table, *const x = a->x;
  int8_t *const y = a->y;
  const uint8x16_t sign = vdupq_n_u8(0x80); // x + 128 is x with the other sign bit
  int32_t i = work.start;
  for (; i + 16 <= work.stop; i += 16) {
    const uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vldrbq_s8(x + i)), sign);
    vstrbq_s8(y + i, vldrbq_gather_offset_s8(table, at));
  }
  if (i < work.stop) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(work.stop - i));
    const uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(x + i, lanes)), sign);
    vstrbq_p_s8(y + i, vldrbq_gather_offset_z_s8(table, at, lanes), lanes);
  }
}
