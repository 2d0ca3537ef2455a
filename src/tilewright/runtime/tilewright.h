/// Tilewright runtime: what every generated network and every kernel may rely on.
///
/// C11, no heap, no libc beyond <stdint.h> and <string.h>.
#pragma once

#include <stdint.h>

/// A half-open range: [start, stop).
typedef struct {
  int32_t start, stop;
} tw_span;

/// What one core does of a kernel call: work items [start, stop).
typedef struct {
  int32_t start, stop;
  int32_t core;  // 0 .. cores - 1
  void *scratch; // working memory that no other core touches; null where the kernel wants none
} tw_work;

/// Every kernel has this form: one argument struct, one range of work items.
typedef void tw_kernel(const void *args, tw_work work);

/// The cores that share a kernel call. The scratch of core i starts i * stride bytes behind
/// `scratch`; null where the kernel wants none.
typedef struct {
  int32_t cores;
  int32_t stride;
  void *scratch;
} tw_team;

/// What tw_NAME_run returns.
enum {
  TW_OK = 0,
  TW_ERROR_NULL = 1,      // the arena, the inputs or the outputs are a null pointer
  TW_ERROR_ALIGNMENT = 2, // the arena does not start at a multiple of TW_NAME_ARENA_ALIGN
  TW_ERROR_WEIGHTS = 3,   // the binary file of constants is not the one that was compiled with it
  TW_ERROR_ARGUMENT = 4,  // an argument is not within its range
};

/// Layers are functions of their own, so that debuggers and profilers show them.
#if defined(__GNUC__)
#define TW_LAYER __attribute__((noinline))
#else
#define TW_LAYER
#endif

/// The part of a call's work items that one core of a team does: neighbours, and as many as on any
/// other core, or one more.
static inline tw_work tw_share(int32_t items, tw_team team, int32_t core) {
  const int32_t each = items / team.cores, more = items % team.cores;
  const int32_t start = core * each + (core < more ? core : more);
  uint8_t *const scratch = team.scratch;
  return (tw_work){.start = start,
                   .stop = start + each + (core < more ? 1 : 0),
                   .core = core,
                   .scratch = scratch != 0 ? scratch + core * team.stride : scratch};
}

/// Runs `kernel` on `piece` items at a time, the last ones first, on one core: its output lies
/// above an input that it overwrites. piece > 0.
static inline void tw_backward(tw_kernel *kernel, const void *args, int32_t items, int32_t piece,
                               void *scratch) {
  for (int32_t start = (items - 1) / piece * piece; start >= 0; start -= piece) {
    const int32_t stop = items - start < piece ? items : start + piece;
    kernel(args, (tw_work){.start = start, .stop = stop, .scratch = scratch});
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
