/// Transfers by the DMA of a Snitch cluster, which takes its commands as instructions of the core
/// that runs the network: rows at one distance are one command, and commands are worked on in
/// order.
#pragma once

#include "tilewright.h"
#include "tw_box.h"
#include "tw_ita.h"
#include "tw_xdma.h"

/// One transfer under way: the number of its last command.
typedef struct {
  uint32_t last;
  uint32_t is_running;
} tw_channel;

/// Starts a copy of `rows` runs of `bytes`, so many bytes apart at either end; its number.
static inline uint32_t tw_xdma_rows(int32_t bytes, int32_t rows, int32_t from, int32_t to) {
  uint32_t number;
  __asm__ volatile(".insn r 0x2b, 0, 6, x0, %3, %4\n" // dmstr
                   ".insn r 0x2b, 0, 7, x0, %2, x0\n" // dmrep
                   ".insn r 0x2b, 0, 2, %0, %1, x2\n" // dmcpyi, with rows
                   : "=&r"(number)
                   : "r"(bytes), "r"(rows), "r"(from), "r"(to)
                   : "memory");
  return number;
}

/// All rows of a box whose outer dimensions are counted here.
static __attribute__((noinline, unused)) void tw_xdma_box(tw_channel *channel, uint8_t *near_bytes,
                                                          uint8_t *far_bytes, const tw_box *box,
                                                          int32_t is_load) {
  const int32_t rows = box->count[0];
  const int32_t run = box->run, stride = box->stride[0];
  int32_t index[TW_BOX_COUNTS] = {0};
  for (;;) {
    if (is_load != 0) {
      tw_xdma_ends(far_bytes, near_bytes);
    } else {
      tw_xdma_ends(near_bytes, far_bytes);
    }
    if (run == stride) {
      channel->last = tw_xdma_copy(run * rows);
    } else if (is_load != 0) {
      channel->last = tw_xdma_rows(run, rows, stride, run);
    } else {
      channel->last = tw_xdma_rows(run, rows, run, stride);
    }
    near_bytes += rows * run;
    int32_t axis = 1;
    for (; axis < TW_BOX_COUNTS && box->count[axis] > 0; ++axis) {
      far_bytes += box->stride[axis];
      if (++index[axis] < box->count[axis]) {
        break;
      }
      far_bytes -= box->count[axis] * box->stride[axis];
      index[axis] = 0;
    }
    if (axis == TW_BOX_COUNTS || box->count[axis] == 0) {
      return;
    }
  }
}

/// Most transfers are one run of bytes.
static __attribute__((noinline, unused)) void tw_xdma_start(tw_channel *channel,
                                                            uint8_t *near_bytes, uint8_t *far_bytes,
                                                            const tw_box *box, int32_t is_load) {
  ita_pump();                             // commands take a while: the engine should not run dry
  __asm__ volatile("fence" ::: "memory"); // what the core has stored is there
  channel->is_running = 1;
  if (box->count[0] > 0) {
    tw_xdma_box(channel, near_bytes, far_bytes, box, is_load);
    return;
  }
  tw_xdma_ends(is_load != 0 ? far_bytes : near_bytes, is_load != 0 ? near_bytes : far_bytes);
  channel->last = tw_xdma_copy(box->run);
}

static inline void tw_load(tw_channel *channel, void *near_bytes, const void *from,
                           const tw_box *box) {
  tw_xdma_start(channel, near_bytes, (uint8_t *)(uintptr_t)from, box, 1);
}

static inline void tw_store(tw_channel *channel, void *near_bytes, void *to, const tw_box *box) {
  tw_xdma_start(channel, near_bytes, to, box, 0);
}

/// Numbers wrap around: what counts is the distance.
static __attribute__((noinline, unused)) void tw_wait(tw_channel *channel) {
  if (channel->is_running == 0) {
    return;
  }
  while ((int32_t)(tw_xdma_done() - channel->last) < 0) {
    ita_pump();
  }
  channel->is_running = 0;
}
