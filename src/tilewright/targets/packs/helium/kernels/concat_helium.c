/// Joins inputs sixteen bytes at a time.
#include "concat_helium.h"

#include <arm_mve.h>

/// From the last bytes to the first, for what is moved by less than its length.
static void concat_helium_back(uint8_t *to, const uint8_t *from, int32_t bytes) {
  for (; bytes >= 16; bytes -= 16) {
    vstrbq_u8(to + bytes - 16, vldrbq_u8(from + bytes - 16));
  }
  const mve_pred16_t lanes = vctp8q((uint32_t)bytes);
  vstrbq_p_u8(to, vldrbq_z_u8(from, lanes), lanes);
}

static inline void concat_helium_plain(uint8_t *to, const uint8_t *from, int32_t bytes) {
  __asm__ volatile("wlstp.8 lr, %[bytes], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[from]], #16; vstrb.8 q0, [%[to]], #16\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [to] "+r"(to), [from] "+r"(from)
                   : [bytes] "r"(bytes)
                   : "lr", "q0", "memory");
}

static void concat_helium_copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
  if ((uintptr_t)to - (uintptr_t)from < (uintptr_t)bytes) {
    concat_helium_back(to, from, bytes);
  } else {
    concat_helium_plain(to, from, bytes);
  }
}

void concat2_helium(const void *args, tw_work work) {
  const concat2_helium_args *const a = args;
  const void *const x[2] = {a->x0, a->x1};
  const int32_t bytes[2] = {a->bytes0, a->bytes1};
  concat_columns((concat_inputs){x, bytes, 2}, a->y, work, concat_helium_plain, concat_helium_copy);
}

void concat3_helium(const void *args, tw_work work) {
  const concat3_helium_args *const a = args;
  const void *const x[3] = {a->x0, a->x1, a->x2};
  const int32_t bytes[3] = {a->bytes0, a->bytes1, a->bytes2};
  concat_columns((concat_inputs){x, bytes, 3}, a->y, work, concat_helium_plain, concat_helium_copy);
}

void concat4_helium(const void *args, tw_work work) {
  const concat4_helium_args *const a = args;
  const void *const x[4] = {a->x0, a->x1, a->x2, a->x3};
  const int32_t bytes[4] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3};
  concat_columns((concat_inputs){x, bytes, 4}, a->y, work, concat_helium_plain, concat_helium_copy);
}
