/// Fork and join on threads of the machine that compiles. Threads start with the first call that
/// wants them and stay; the caller is core 0. A call returns when every core has done its share.
///
/// Every thread has a gate of its own, so that nothing but the fork comes before its share and
/// nothing but the join after it: no order between cores is left that a race could hide behind.
#pragma once

#include "tilewright.h"

#include <pthread.h>
#include <stdlib.h>

enum { TW_MOST_CORES = 64 };

/// What one thread waits at.
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t opens;
  int32_t is_open; // there is a share to do
} tw_gate;

/// The threads of one network and the call that they work on.
typedef struct {
  pthread_mutex_t turn; // whose call it is, where several threads run the network
  pthread_mutex_t join; // of `working`
  pthread_cond_t done;
  int32_t working; // threads that have not done their share yet
  tw_kernel *kernel;
  const void *args;
  tw_team team;
  int32_t items;
  int32_t threads; // that were started, the caller included
  tw_gate gates[TW_MOST_CORES];
} tw_pool;

static tw_pool tw_the_pool = {.turn = PTHREAD_MUTEX_INITIALIZER,
                              .join = PTHREAD_MUTEX_INITIALIZER,
                              .done = PTHREAD_COND_INITIALIZER,
                              .threads = 1};

/// The life of a thread behind one of the gates, whose number is its core's.
static void *tw_serve(void *own) {
  tw_pool *const pool = &tw_the_pool;
  tw_gate *const gate = own;
  for (;;) {
    pthread_mutex_lock(&gate->lock);
    while (!gate->is_open) {
      pthread_cond_wait(&gate->opens, &gate->lock);
    }
    gate->is_open = 0;
    pthread_mutex_unlock(&gate->lock);
    pool->kernel(pool->args, tw_share(pool->items, pool->team, (int32_t)(gate - pool->gates)));
    pthread_mutex_lock(&pool->join);
    if (--pool->working == 0) {
      pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->join);
  }
  return 0;
}

/// Starts threads until there are `cores`.
static inline void tw_start_threads(tw_pool *pool, int32_t cores) {
  if (cores > TW_MOST_CORES) {
    abort();
  }
  for (; pool->threads < cores; pool->threads++) {
    tw_gate *const gate = &pool->gates[pool->threads];
    pthread_t thread;
    if (pthread_mutex_init(&gate->lock, 0) != 0 || pthread_cond_init(&gate->opens, 0) != 0 ||
        pthread_create(&thread, 0, tw_serve, gate) != 0) {
      abort();
    }
    pthread_detach(thread);
  }
}

static inline void tw_parallel(tw_kernel *kernel, const void *args, int32_t items, tw_team team) {
  tw_pool *const pool = &tw_the_pool;
  pthread_mutex_lock(&pool->turn);
  tw_start_threads(pool, team.cores);
  pool->kernel = kernel;
  pool->args = args;
  pool->items = items;
  pool->team = team;
  pool->working = team.cores - 1;
  for (int32_t core = 1; core < team.cores; core++) {
    tw_gate *const gate = &pool->gates[core];
    pthread_mutex_lock(&gate->lock);
    gate->is_open = 1;
    pthread_cond_signal(&gate->opens);
    pthread_mutex_unlock(&gate->lock);
  }
  kernel(args, tw_share(items, team, 0));
  pthread_mutex_lock(&pool->join);
  while (pool->working > 0) {
    pthread_cond_wait(&pool->done, &pool->join);
  }
  pthread_mutex_unlock(&pool->join);
  pthread_mutex_unlock(&pool->turn);
}
