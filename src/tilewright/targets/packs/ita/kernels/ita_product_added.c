#include "ita_product_walk.h"

static void added_turn(ita_queue *queue) {
  const ita_added_args *const a = &queue->call.added;
  const ita_product_args product = {
      .x = a->x,
      .w = a->w,
      .bias = a->bias,
      .y = a->y,
      .rows = a->rows,
      .columns = a->columns,
      .inner = a->inner,
      .by_row = a->by_row,
  };
  ita_product_row(queue, &product, ita_address(a->r), ita_address(a->d));
}

void ita_product_added(const void *args, tw_work work) {
  const ita_added_args *const a = args;
  ita_queue *const queue = &tw_ita_queue;
  (void)work; // one item: the whole walk
  queue->call.added = *a;
  ita_configure(queue, a->tiles,
                (const int32_t[]){a->multipliers, a->multipliers_4, a->shifts, a->shifts_4, a->adds,
                                  a->adds_4},
                (const int32_t[]){a->engine, a->gelu, a->activation});
  queue->turn = added_turn;
  ita_start(queue, a->rows * a->columns * (a->inner + 1), a->contexts);
}
