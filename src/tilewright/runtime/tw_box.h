/// What a transfer moves: the part of a tensor that one tile needs.
///
/// Every target with a near memory has a tw_dma.h of its own, which defines the type tw_channel and
///
///   tw_load(channel, near, far, box)   starts to copy a box of the tensor at far to near, densely
///   tw_store(channel, near, far, box)  starts to copy what lies densely at near to such a box
///   tw_wait(channel)                   returns when the transfer on this channel is over
///
/// A channel carries one transfer at a time. Channels that are all zero bits are idle. Where
/// engines run beside the core, also a type tw_job, whose zero bits are an idle engine, and
///
///   tw_offload(job, kernel, args, bytes, items, piece, team)
///                 starts a kernel on its engine's cores; args, of so many bytes, may go. Where
///                 piece is not 0, one core does so many items at a time, the last ones first
///   tw_join(job)  returns when it is done
#pragma once

#include <stdint.h>

enum { TW_BOX_COUNTS = 7 };

/// Runs of bytes at regular distances in a tensor; its dense copy has the same bytes without gaps.
typedef struct {
  int32_t run;                   // bytes that follow one another
  int32_t count[TW_BOX_COUNTS];  // innermost first: runs, rows of runs, ...; 0 beyond the last
  int32_t stride[TW_BOX_COUNTS]; // bytes in the tensor from one to the next
} tw_box;
