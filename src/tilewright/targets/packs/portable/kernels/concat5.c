#include "concat.h"

#include "concat_core.h"

void concat5(const void *args, tw_work work) {
  const concat5_args *const a = args;
  const void *const x[5] = {a->x0, a->x1, a->x2, a->x3, a->x4};
  const int32_t bytes[5] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3, a->bytes4};
  concat_rows(x, bytes, 5, a->y, work);
}
