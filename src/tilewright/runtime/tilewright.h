/// Tilewright runtime: what every generated network and every kernel may rely on.
///
/// C11, no heap, no libc beyond <stdint.h> and <string.h>.
#pragma once

#include <stdint.h>

/// A half-open range of work items: [start, stop).
typedef struct {
  int32_t start, stop;
} tw_span;

/// Every kernel has this form: one argument struct, one range of work items.
typedef void tw_kernel(const void *args, tw_span work);

/// What tw_NAME_run returns.
enum {
  TW_OK = 0,
  TW_ERROR_NULL = 1,      // the arena, the inputs or the outputs are a null pointer
  TW_ERROR_ALIGNMENT = 2, // the arena does not start at a multiple of TW_NAME_ARENA_ALIGN
};

/// Layers are functions of their own, so that debuggers and profilers show them.
#if defined(__GNUC__)
#define TW_LAYER __attribute__((noinline))
#else
#define TW_LAYER
#endif

/// Runs `kernel` on work items 0 .. items - 1; on a single core that is one call.
static inline void tw_parallel(tw_kernel *kernel, const void *args, int32_t items) {
  kernel(args, (tw_span){.start = 0, .stop = items});
}

/// Runs `kernel` on `piece` items at a time, the last ones first: its output lies above an input
/// that it overwrites. piece > 0.
static inline void tw_backward(tw_kernel *kernel, const void *args, int32_t items, int32_t piece) {
  for (int32_t start = (items - 1) / piece * piece; start >= 0; start -= piece) {
    const int32_t stop = items - start < piece ? items : start + piece;
    kernel(args, (tw_span){.start = start, .stop = stop});
  }
}

/// Called after each layer with its result; does nothing unless the program that embeds the
/// network is built with -DTW_OBSERVE and defines it (`tilewright verify` does).
#ifdef TW_OBSERVE
void tw_observe(int32_t layer, const void *result, int32_t bytes);
#else
static inline void tw_observe(int32_t layer, const void *result, int32_t bytes) {
  (void)layer;
  (void)result;
  (void)bytes;
}
#endif
