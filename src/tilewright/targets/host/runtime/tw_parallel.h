/// Fork and join on threads of the machine that compiles. Threads start with the first call that
/// wants them and stay; the caller is core 0. A call returns when every core has done its share.
#pragma once

#include "tilewright.h"

#include <pthread.h>
#include <stdlib.h>

enum { TW_MOST_CORES = 64 };

/// The threads of one network and the call that they work on; all of it belongs to `lock`.
typedef struct {
  pthread_mutex_t turn; // whose call it is, where several threads run the network
  pthread_mutex_t lock;
  pthread_cond_t go, done;
  tw_kernel *kernel;
  const void *args;
  tw_team team;
  int32_t items;
  int32_t threads;              // that were started, the caller included
  int32_t working;              // threads that have not done their share yet
  uint32_t call;                // number of the call
  uint32_t seen[TW_MOST_CORES]; // the last call that each thread knows of
} tw_pool;

static tw_pool tw_the_pool = {.turn = PTHREAD_MUTEX_INITIALIZER,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .go = PTHREAD_COND_INITIALIZER,
                              .done = PTHREAD_COND_INITIALIZER,
                              .threads = 1};

/// The life of one thread. `seen`: its place in tw_pool.seen, which says which core it is.
static void *tw_serve(void *seen) {
  tw_pool *const pool = &tw_the_pool;
  const int32_t core = (int32_t)((uint32_t *)seen - pool->seen);
  pthread_mutex_lock(&pool->lock);
  for (;;) {
    while (pool->seen[core] == pool->call) {
      pthread_cond_wait(&pool->go, &pool->lock);
    }
    pool->seen[core] = pool->call;
    if (core >= pool->team.cores) {
      continue; // a call for fewer cores
    }
    tw_kernel *const kernel = pool->kernel;
    const void *const args = pool->args;
    const tw_work work = tw_share(pool->items, pool->team, core);
    pthread_mutex_unlock(&pool->lock);
    kernel(args, work);
    pthread_mutex_lock(&pool->lock);
    if (--pool->working == 0) {
      pthread_cond_signal(&pool->done);
    }
  }
  return 0;
}

/// Starts threads until there are `cores`. `lock` is held.
static inline void tw_start_threads(tw_pool *pool, int32_t cores) {
  if (cores > TW_MOST_CORES) {
    abort();
  }
  for (; pool->threads < cores; pool->threads++) {
    pthread_t thread;
    pool->seen[pool->threads] = pool->call;
    if (pthread_create(&thread, 0, tw_serve, &pool->seen[pool->threads]) != 0) {
      abort();
    }
    pthread_detach(thread);
  }
}

static inline void tw_parallel(tw_kernel *kernel, const void *args, int32_t items, tw_team team) {
  tw_pool *const pool = &tw_the_pool;
  pthread_mutex_lock(&pool->turn);
  pthread_mutex_lock(&pool->lock);
  tw_start_threads(pool, team.cores);
  pool->kernel = kernel;
  pool->args = args;
  pool->items = items;
  pool->team = team;
  pool->working = team.cores - 1;
  pool->call++;
  pthread_cond_broadcast(&pool->go);
  pthread_mutex_unlock(&pool->lock);
  kernel(args, tw_share(items, team, 0));
  pthread_mutex_lock(&pool->lock);
  while (pool->working > 0) {
    pthread_cond_wait(&pool->done, &pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  pthread_mutex_unlock(&pool->turn);
}
