#include "tile_core.h"

void tile_product_added_s8(const void *args, tw_work work) {
  const tile_added_args *const a = args;
  const tile_product_args product = {
      .x = a->x,
      .w = a->w,
      .bias = a->bias,
      .y = a->y,
      .rows = a->rows,
      .columns = a->columns,
      .inner = a->inner,
      .by_row = a->by_row,
      .multiplier = a->multiplier,
      .shift = a->shift,
      .add = a->add,
      .curve = a->curve,
      .b = a->b,
      .c = a->c,
      .curve_multiplier = a->curve_multiplier,
      .curve_shift = a->curve_shift,
      .curve_add = a->curve_add,
  };
  tile_product_rows(&product, a->r, a->d, work);
}
