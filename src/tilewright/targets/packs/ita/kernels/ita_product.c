#include "ita_product_walk.h"

static void product_turn(ita_queue *queue) {
  ita_product_args a;
  memcpy(&a, queue->copy, sizeof a);
  ita_product_row(queue, &a, 0, 0);
}

void ita_product(const void *args, tw_work work) {
  const ita_product_args *const a = args;
  ita_queue *const queue = &tw_ita_queue;
  (void)work; // one item: the whole walk
  memcpy(queue->copy, a, sizeof *a);
  ita_configure(queue, a, offsetof(ita_product_args, tiles));
  queue->turn = product_turn;
  ita_start(queue, a->rows * a->columns * a->inner, a->contexts);
}
