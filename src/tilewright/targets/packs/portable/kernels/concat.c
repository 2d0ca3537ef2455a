/// The loop of concat2 .. concat8.
#include "concat.h"

#include <string.h>

#include "concat_core.h"

/// memmove, because y may share memory with an input.
static inline void concat_copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
  memmove(to, from, (size_t)bytes);
}

void concat2(const void *args, tw_work work) {
  const concat2_args *const a = args;
  const void *const x[2] = {a->x0, a->x1};
  const int32_t bytes[2] = {a->bytes0, a->bytes1};
  concat_rows((concat_inputs){x, bytes, 2}, a->y, work, concat_copy);
}

void concat3(const void *args, tw_work work) {
  const concat3_args *const a = args;
  const void *const x[3] = {a->x0, a->x1, a->x2};
  const int32_t bytes[3] = {a->bytes0, a->bytes1, a->bytes2};
  concat_rows((concat_inputs){x, bytes, 3}, a->y, work, concat_copy);
}

void concat4(const void *args, tw_work work) {
  const concat4_args *const a = args;
  const void *const x[4] = {a->x0, a->x1, a->x2, a->x3};
  const int32_t bytes[4] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3};
  concat_rows((concat_inputs){x, bytes, 4}, a->y, work, concat_copy);
}

void concat5(const void *args, tw_work work) {
  const concat5_args *const a = args;
  const void *const x[5] = {a->x0, a->x1, a->x2, a->x3, a->x4};
  const int32_t bytes[5] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3, a->bytes4};
  concat_rows((concat_inputs){x, bytes, 5}, a->y, work, concat_copy);
}

void concat6(const void *args, tw_work work) {
  const concat6_args *const a = args;
  const void *const x[6] = {a->x0, a->x1, a->x2, a->x3, a->x4, a->x5};
  const int32_t bytes[6] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3, a->bytes4, a->bytes5};
  concat_rows((concat_inputs){x, bytes, 6}, a->y, work, concat_copy);
}

void concat7(const void *args, tw_work work) {
  const concat7_args *const a = args;
  const void *const x[7] = {a->x0, a->x1, a->x2, a->x3, a->x4, a->x5, a->x6};
  const int32_t bytes[7] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3,
                            a->bytes4, a->bytes5, a->bytes6};
  concat_rows((concat_inputs){x, bytes, 7}, a->y, work, concat_copy);
}

void concat8(const void *args, tw_work work) {
  const concat8_args *const a = args;
  const void *const x[8] = {a->x0, a->x1, a->x2, a->x3, a->x4, a->x5, a->x6, a->x7};
  const int32_t bytes[8] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3,
                            a->bytes4, a->bytes5, a->bytes6, a->bytes7};
  concat_rows((concat_inputs){x, bytes, 8}, a->y, work, concat_copy);
}
