#include "concat.h"

#include "concat_core.h"

void concat3(const void *args, tw_work work) {
  const concat3_args *const a = args;
  const void *const x[3] = {a->x0, a->x1, a->x2};
  const int32_t bytes[3] = {a->bytes0, a->bytes1, a->bytes2};
  concat_rows(x, bytes, 3, a->y, work);
}
