#include "concat.h"

#include "concat_core.h"

void concat7(const void *args, tw_work work) {
  const concat7_args *const a = args;
  const void *const x[7] = {a->x0, a->x1, a->x2, a->x3, a->x4, a->x5, a->x6};
  const int32_t bytes[7] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3,
                            a->bytes4, a->bytes5, a->bytes6};
  concat_rows(x, bytes, 7, a->y, work);
}
