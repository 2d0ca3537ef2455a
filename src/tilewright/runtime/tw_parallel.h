/// How an engine with several cores computes a kernel call: fork, everybody's share, join.
///
/// A target whose cores run at the same time brings a tw_parallel.h of its own, which defines
///
///   tw_parallel(kernel, args, items, team)  returns when all cores have done their share
///
/// with tw_share (tilewright.h) or any other split: kernels compute any ranges of their work items,
/// in any order and at the same time. This one does the cores' work one after the other.
#pragma once

#include "tilewright.h"

static inline void tw_parallel(tw_kernel *kernel, const void *args, int32_t items, tw_team team) {
  for (int32_t core = 0; core < team.cores; core++) {
    kernel(args, tw_share(items, team, core));
  }
}
