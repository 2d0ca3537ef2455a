#include "concat.h"

#include "concat_core.h"

void concat4(const void *args, tw_work work) {
  const concat4_args *const a = args;
  const void *const x[4] = {a->x0, a->x1, a->x2, a->x3};
  const int32_t bytes[4] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3};
  concat_rows(x, bytes, 4, a->y, work);
}
