/// Jobs of ITA. A job is one product of 64x64 tiles; a kernel call is a walk over many of them. The
/// engine takes a few jobs ahead, and whoever waits for something else meanwhile calls ita_pump,
/// which prepares the next job or hands it over. To prepare a job is to find its tiles, and to
/// start to fetch those that lie outside L1 into a ring of tiles there. Two walks may be under way:
/// jobs of the second one are prepared, and handed over, while the engine works on the first.
#pragma once

#include "tilewright.h"

#include <stddef.h>

enum {
  ITA_TILE_BYTES = 4096,
  ITA_BIAS_BYTES = 192,
  ITA_CONFIGURED = 10, // words of a job that stay the same
  ITA_OWN = 10,
  ITA_WALKS = 2, // under way
  ITA_JOBS = 8   // that are remembered: those of the engine, the last one before, those to come
};

/// Bits of a job's flags: those of the engine's register, and what only the queue knows: it is the
/// last one of a walk, or is not handed over before settings are.
enum {
  ITA_PRELOAD = 1,
  ITA_NEXTLOAD = 2,
  ITA_NO_BIAS = 4,
  ITA_BIAS_ROWS = 8,
  ITA_NO_OUTPUT = 16,
  ITA_LAST = 256,
  ITA_CONFIGURES = 512
};

/// Addresses of the tiles of one job.
typedef struct {
  uint32_t x, w, bias, y;
} ita_tiles;

/// Outputs one after the other, each a sum over inner tiles, which lie one behind the other; the
/// last inner tile may lie elsewhere.
typedef struct {
  ita_tiles at;                             // of the first job
  int32_t inner, outputs;                   // how many
  uint32_t w_output, y_output, bias_output; // bytes from one output to the next
  uint32_t more_x, more_w; // of the last inner tile of the first output; 0: where it belongs
  uint32_t flags;
} ita_sweep;

/// A job that is ready, or will be once its tiles have arrived: what the engine's registers are to
/// hold.
typedef struct ita_job {
  struct ita_job *next; // in a ring
  uint32_t x, w, bias, y, flags;
  uint32_t transfer; // the last one that it waits for
  uint32_t fetched;  // tiles that have gone into the ring so far
} ita_job;

/// A kernel call: sweeps, and what every job says.
typedef struct ita_walk {
  ita_tiles next;                // tiles of the next job
  int32_t inner, output;         // inner tiles that the output lacks, outputs that are done
  int32_t finding;               // jobs that are not even prepared
  uint32_t ring;                 // where it lies
  uint32_t early;                // jobs at the start that have more to say than others
  uint32_t configures, is_fresh; // what that is: settings; which are its first weights
  uint32_t jobs, stop;           // how many; the number of the one behind its last
  struct ita_walk *other;        // the one before, or behind
  ita_sweep sweep;
  int32_t sweeps;                      // that have begun
  int32_t clears;                      // the engine was left in the middle of its steps
  void (*turn)(struct ita_walk *walk); // makes the next sweep
  uint32_t same[ITA_CONFIGURED];       // settings
  uint32_t own[ITA_OWN];               // what `turn` makes sweeps of
} ita_walk;

/// All walks. Jobs and tiles are counted from the start of the program on, and wrap around.
typedef struct {
  uint32_t active;    // walks
  uint32_t contexts;  // jobs that the engine takes
  uint32_t issued;    // jobs that the engine has been given
  uint32_t ahead;     // beyond those, jobs that are prepared
  ita_job *preparing; // the next one
  ita_job *issuing;   // the next one
  ita_walk *finding;  // whose jobs are prepared; null where all are
  ita_walk *handing;  // whose jobs are handed over
  ita_walk *oldest;   // that is under way
  ita_walk *free;     // of the next call
  uint32_t slot;      // bytes of the ring in front of its next tile
  uint32_t fetched;   // tiles
  uint32_t freed;     // tiles at least whose jobs are over
  uint32_t transfer;  // the last one
  uint32_t known;     // jobs of all calls
  int32_t is_open;    // the last walk leaves the engine in the middle of its steps
  ita_walk walks[ITA_WALKS];
  ita_job jobs[ITA_JOBS];
} ita_queue;

/// There is one, in L1; the target's startup code defines it.
extern ita_queue tw_ita_queue;

/// Before anything else: nothing in L1 is zero at reset.
void ita_reset(void);

/// Prepares a job, and hands the engine one, as far as there is room; how many walks are under way.
uint32_t ita_pump(void);

/// Where the next walk is described, once there is room for it.
ita_walk *ita_next(void);

/// Starts the walk that has been described, of so many jobs. `said`: its settings; `ring`: room for
/// tiles from outside, or null where all lie in L1; `is_open`: it ends in the middle of the
/// engine's steps.
void ita_start(ita_walk *walk, int32_t jobs, const void *said, int32_t contexts, const void *ring,
               int32_t is_open);

static inline uint32_t ita_address(const void *at) { return (uint32_t)(uintptr_t)at; }
