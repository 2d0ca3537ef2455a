#include "ita_product_walk.h"

static void product_turn(ita_queue *queue) {
  const ita_product_args *const a = &queue->call.product;
  ita_product_row(queue, a, 0, 0);
}

void ita_product(const void *args, tw_work work) {
  const ita_product_args *const a = args;
  ita_queue *const queue = &tw_ita_queue;
  (void)work; // one item: the whole walk
  queue->call.product = *a;
  ita_configure(queue, a->tiles,
                (const int32_t[]){a->multipliers, a->multipliers_4, a->shifts, a->shifts_4, a->adds,
                                  a->adds_4},
                (const int32_t[]){a->engine, a->gelu, a->activation});
  queue->turn = product_turn;
  ita_start(queue, a->rows * a->columns * a->inner, a->contexts);
}
