#include "concat.h"

#include "concat_core.h"

void concat2(const void *args, tw_work work) {
  const concat2_args *const a = args;
  const void *const x[2] = {a->x0, a->x1};
  const int32_t bytes[2] = {a->bytes0, a->bytes1};
  concat_rows(x, bytes, 2, a->y, work);
}
