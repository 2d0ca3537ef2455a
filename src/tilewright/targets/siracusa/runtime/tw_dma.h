/// Transfers by MCHAN, Siracusa's DMA between L1 and everything outside: rows at one distance are
/// one command, and all commands of a transfer share one of its sixteen counters.
#pragma once

#include "tilewright.h"
#include "tw_box.h"
#include "tw_neureka.h"
#include "tw_parallel.h"

/// One transfer under way: its counter + 1; 0 where there is none, or where it is known to be over.
typedef struct {
  uint32_t ticket;
} tw_channel;

/// Whose transfer has which counter. It lies in L1; startup/cluster.c defines it.
extern tw_channel *tw_mchan_holders[16];

enum {
  TW_MCHAN = 0x10204400,        // read: a free counter; write: the words of a command
  TW_MCHAN_STATUS = 0x10204404, // read: counters busy [15:0], taken [31:16]; write: to free
  TW_MCHAN_TO_L1 = 1 << 17,
  TW_MCHAN_INCREMENT = 1 << 18,
  TW_MCHAN_ROWS = 1 << 19,
  TW_MCHAN_EVENT = 1 << 20,
  TW_MCHAN_MOST = (1 << 17) - 1 // bytes of one command
};

static inline void tw_mchan_push(uint32_t word) { *(volatile uint32_t *)TW_MCHAN = word; }

/// `rows` runs of `run` bytes that lie `stride` bytes apart outside L1, in as many commands as it
/// takes.
static inline void tw_mchan_rows(uint32_t command, uint32_t near_at, uint32_t far_at, int32_t run,
                                 int32_t rows, int32_t stride) {
  command |= TW_MCHAN_INCREMENT | TW_MCHAN_EVENT;
  if (rows == 1 || run == stride) {
    for (int32_t left = run * rows; left > 0; left -= TW_MCHAN_MOST) {
      const int32_t bytes = left < TW_MCHAN_MOST ? left : TW_MCHAN_MOST;
      tw_mchan_push(command | (uint32_t)bytes);
      tw_mchan_push(near_at);
      tw_mchan_push(far_at);
      near_at += (uint32_t)bytes;
      far_at += (uint32_t)bytes;
    }
    return;
  }
  int32_t most = rows;
  while (most * run > TW_MCHAN_MOST) { // no division
    most = (most + 1) / 2;
  }
  for (; rows > 0; rows -= most) {
    const int32_t now = rows < most ? rows : most;
    tw_mchan_push(command | TW_MCHAN_ROWS | (uint32_t)(now * run));
    tw_mchan_push(near_at);
    tw_mchan_push(far_at);
    tw_mchan_push((uint32_t)run);
    tw_mchan_push((uint32_t)stride);
    near_at += (uint32_t)(now * run);
    far_at += (uint32_t)(now * stride);
  }
}

/// Frees the counters of all transfers that are over, though nobody has waited for them yet; sleeps
/// until there is one.
static __attribute__((noinline, unused)) void tw_mchan_reclaim(void) {
  tw_listen_to(TW_EVENT_DMA);
  for (;;) {
    const uint32_t over = ~*(volatile uint32_t *)TW_MCHAN_STATUS & 0xffff;
    if (over != 0) {
      for (int32_t i = 0; i < 16; ++i) {
        if ((over >> i & 1) != 0) {
          tw_mchan_holders[i]->ticket = 0;
        }
      }
      *(volatile uint32_t *)TW_MCHAN_STATUS = over;
      return;
    }
    tw_event_load(TW_EVENT_UNIT + TW_EVENT_WAIT);
  }
}

/// Takes a counter for a transfer.
static inline void tw_mchan_take(tw_channel *channel) {
  if (*(volatile uint32_t *)TW_MCHAN_STATUS >> 16 == 0xffff) {
    tw_mchan_reclaim();
  }
  const uint32_t counter = *(volatile uint32_t *)TW_MCHAN;
  tw_mchan_holders[counter] = channel;
  channel->ticket = counter + 1;
}

/// Bytes that lie side by side.
static __attribute__((noinline, unused)) void tw_mchan_run(tw_channel *channel, uint32_t command,
                                                           uint32_t near_at, uint32_t far_at,
                                                           int32_t bytes) {
  tw_mchan_take(channel);
  tw_mchan_rows(command, near_at, far_at, bytes, 1, bytes);
}

/// All rows of a box whose outer dimensions are counted here.
static __attribute__((noinline, unused)) void tw_mchan_start(tw_channel *channel, uint32_t command,
                                                             uint32_t near_at, uint32_t far_at,
                                                             const tw_box *box) {
  const int32_t rows = box->count[0] > 0 ? box->count[0] : 1;
  int32_t index[TW_BOX_COUNTS] = {0};
  tw_mchan_take(channel);
  for (;;) {
    tw_mchan_rows(command, near_at, far_at, box->run, rows, box->stride[0]);
    near_at += (uint32_t)(rows * box->run);
    int32_t axis = 1;
    for (; axis < TW_BOX_COUNTS && box->count[axis] > 0; ++axis) {
      far_at += (uint32_t)box->stride[axis];
      if (++index[axis] < box->count[axis]) {
        break;
      }
      far_at -= (uint32_t)(box->count[axis] * box->stride[axis]);
      index[axis] = 0;
    }
    if (axis == TW_BOX_COUNTS || box->count[axis] == 0) {
      return;
    }
  }
}

/// Callers write their boxes down: what has no rows is known here, and no box is made.
static inline __attribute__((always_inline)) void tw_mchan_copy(tw_channel *channel,
                                                                uint32_t command, uint32_t near_at,
                                                                uint32_t far_at,
                                                                const tw_box *box) {
  if (box->count[0] == 0) {
    tw_mchan_run(channel, command, near_at, far_at, box->run);
  } else {
    tw_mchan_start(channel, command, near_at, far_at, box);
  }
}

static inline __attribute__((always_inline)) void tw_load(tw_channel *channel, void *near_bytes,
                                                          const void *from, const tw_box *box) {
  tw_mchan_copy(channel, TW_MCHAN_TO_L1, (uint32_t)near_bytes, (uint32_t)from, box);
}

static inline __attribute__((always_inline)) void tw_store(tw_channel *channel, void *near_bytes,
                                                           void *to, const tw_box *box) {
  tw_mchan_copy(channel, 0, (uint32_t)near_bytes, (uint32_t)to, box);
}

/// Other transfers raise the same event, so the counter decides.
static __attribute__((noinline, unused)) void tw_wait(tw_channel *channel) {
  if (channel->ticket == 0) {
    return;
  }
  const uint32_t bit = UINT32_C(1) << (channel->ticket - 1);
  tw_listen_to(TW_EVENT_DMA);
  while ((*(volatile uint32_t *)TW_MCHAN_STATUS & bit) != 0) {
    tw_event_load(TW_EVENT_UNIT + TW_EVENT_WAIT);
  }
  *(volatile uint32_t *)TW_MCHAN_STATUS = bit;
  channel->ticket = 0;
}
