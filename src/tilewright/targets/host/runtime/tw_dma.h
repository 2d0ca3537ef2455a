/// An emulated DMA for the machine that compiles. It is as lazy as a DMA may be: bytes move at the
/// wait, and until then the destination is poisoned. A program that forgets a wait, or touches a
/// buffer too early, computes something else than the network on every run.
#pragma once

#include "tilewright.h"
#include "tw_box.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { TW_IN_FLIGHT = 0xA5 };

/// Once in a program, however often it is called: emulation shall not look like the network's code.
#if defined(__GNUC__)
#define TW_EMULATED static __attribute__((noinline, unused))
#else
#define TW_EMULATED static inline
#endif

/// One transfer under way, or none.
typedef struct {
  uint8_t *near_bytes;
  uint8_t *to; // the far tensor, where the transfer is a store
  const uint8_t *from;
  tw_box box;
  int32_t is_busy;
} tw_channel;

/// Copies every run of a box: from the tensor, to it, or, if neither is given, poison to it.
TW_EMULATED uint8_t *tw_copy_runs(const tw_box *box, int32_t counts, uint8_t *dense,
                                  const uint8_t *from, uint8_t *to) {
  if (counts == 0) {
    const size_t size = (size_t)box->run;
    if (from != 0) {
      memcpy(dense, from, size);
    } else if (dense != 0) {
      memcpy(to, dense, size);
    } else {
      memset(to, TW_IN_FLIGHT, size);
    }
    return dense != 0 ? dense + size : dense;
  }
  const int32_t count = box->count[counts - 1] != 0 ? box->count[counts - 1] : 1;
  for (int32_t i = 0; i < count; ++i) {
    const ptrdiff_t far_bytes = (ptrdiff_t)i * box->stride[counts - 1];
    dense = tw_copy_runs(box, counts - 1, dense, from != 0 ? from + far_bytes : from,
                         to != 0 ? to + far_bytes : to);
  }
  return dense;
}

TW_EMULATED void tw_begin(tw_channel *channel) {
  if (channel->is_busy) {
    abort(); // nobody has waited for the transfer before
  }
  channel->is_busy = 1;
}

TW_EMULATED void tw_load(tw_channel *channel, void *near_bytes, const void *from,
                         const tw_box *box) {
  tw_begin(channel);
  channel->near_bytes = near_bytes;
  channel->from = from;
  channel->to = 0;
  channel->box = *box;
  size_t size = (size_t)box->run;
  for (int32_t i = 0; i < TW_BOX_COUNTS; ++i) {
    size *= (size_t)(box->count[i] != 0 ? box->count[i] : 1);
  }
  memset(near_bytes, TW_IN_FLIGHT, size);
}

TW_EMULATED void tw_store(tw_channel *channel, void *near_bytes, void *to, const tw_box *box) {
  tw_begin(channel);
  channel->near_bytes = near_bytes;
  channel->from = 0;
  channel->to = to;
  channel->box = *box;
  tw_copy_runs(box, TW_BOX_COUNTS, 0, 0, to);
}

TW_EMULATED void tw_wait(tw_channel *channel) {
  if (!channel->is_busy) {
    abort(); // nothing was started
  }
  channel->is_busy = 0;
  tw_copy_runs(&channel->box, TW_BOX_COUNTS, channel->near_bytes, channel->from, channel->to);
}

enum { TW_JOB_BYTES = 512 };

/// A call on an emulated engine beside the core. It is as lazy as the DMA: it runs at the join.
typedef struct {
  _Alignas(16) uint8_t args[TW_JOB_BYTES];
  tw_kernel *kernel; // null where nothing is under way
  int32_t items, piece;
  tw_team team;
} tw_job;

TW_EMULATED void tw_offload(tw_job *job, tw_kernel *kernel, const void *args, size_t bytes,
                            int32_t items, int32_t piece, tw_team team) {
  if (job->kernel != 0 || bytes > TW_JOB_BYTES) {
    abort(); // nobody has joined the job before
  }
  memcpy(job->args, args, bytes);
  job->kernel = kernel;
  job->items = items;
  job->piece = piece;
  job->team = team;
}

TW_EMULATED void tw_join(tw_job *job) {
  if (job->kernel == 0) {
    abort(); // nothing was started
  }
  if (job->piece != 0) {
    tw_backward(job->kernel, job->args, job->items, job->piece, job->team.scratch);
  } else { // the last core first: kernels may rely on no order between cores
    for (int32_t core = job->team.cores - 1; core >= 0; core--) {
      job->kernel(job->args, tw_share(job->items, job->team, core));
    }
  }
  job->kernel = 0;
}
