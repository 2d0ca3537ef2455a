#include "concat.h"

#include "concat_core.h"

void concat6(const void *args, tw_work work) {
  const concat6_args *const a = args;
  const void *const x[6] = {a->x0, a->x1, a->x2, a->x3, a->x4, a->x5};
  const int32_t bytes[6] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3, a->bytes4, a->bytes5};
  concat_rows(x, bytes, 6, a->y, work);
}
