#include "linear_rows_neureka.h"

#include "linear_finish_xpulp.h"

enum {
  LINE = 6,       // pixels, at most
  LEAST_LINE = 4, // of an image that is one job of two tiles
  ONE = 1 << 16,
  TILE = 32, // output channels
  BUFFERS = 3,
  JOBS_START = 0x10201000,   // write to start the job that was written
  JOBS_ACQUIRE = 0x10201004, // read: a job's number, negative where both contexts are taken
  JOBS_STATUS = 0x1020100c,  // bits 0 and 8: a job waits or runs
  JOBS_FIRST = 0x10201020,   // the first word of the job
  WEIGHT_MEMORY = 0x10400000,
  IN_WEIGHT_MEMORY = 1 << 9,
  JOB_EVENT = 1 << 12
};

/// Some neighbouring outputs, and where the engine puts their sums: [rows][count].
typedef struct {
  int32_t first, count;
  int32_t *sums;
} outputs_part;

/// Sizes of an image, rows above columns: of its last tile, as it is written and as it is read; and
/// tiles of six by six pixels.
typedef struct {
  int32_t last_out, last_in, tiles;
} image_size;

static inline volatile uint32_t *register_at(uint32_t address) {
  return (volatile uint32_t *)(uintptr_t)address;
}

static inline uint32_t address_of(const void *at) { return (uint32_t)(uintptr_t)at; }

/// Writes a job for rows from `row` on, which are `columns` pixels in a line.
static void start_job(const linear_neureka_args *a, const outputs_part *p, int32_t row,
                      int32_t columns, image_size size) {
  volatile uint32_t *const job = register_at(JOBS_FIRST);
  const int32_t tiles = (p->count + TILE - 1) / TILE, out_pixel = 4 * p->count;
  __asm__ volatile("" : : : "memory"); // what the core has written is there before the job starts
  while (*register_at(JOBS_ACQUIRE) >> 31 != 0) {
  }
  const uint32_t w = address_of(a->w) + (uint32_t)(p->first * a->weight_row);
  const int32_t is_far = w >= WEIGHT_MEMORY;
  job[0] = is_far ? w - WEIGHT_MEMORY : w;
  job[1] = address_of(a->x + row * a->pixel);
  job[2] = address_of(p->sums + row * p->count);
  job[6] = (uint32_t)a->pixel;
  job[7] = (uint32_t)(columns * a->pixel);
  job[8] = 0;
  job[9] = TILE; // from one beat of an output pixel to the next
  job[10] = (uint32_t)out_pixel;
  job[11] = (uint32_t)(columns * out_pixel);
  job[12] = TILE; // from one row of weights to the next
  job[13] = (uint32_t)a->weight_row;
  job[14] = 0;
  job[15] = (uint32_t)((p->count - (tiles - 1) * TILE) * ONE | a->last_inputs);
  job[16] = (uint32_t)size.last_out;
  job[17] = (uint32_t)size.last_in;
  job[18] = (uint32_t)(tiles * ONE | a->input_tiles);
  job[19] = (uint32_t)size.tiles;
  job[20] = 0; // no padding
  job[21] = (uint32_t)a->weight_offset;
  job[22] = 0; // no tap of the window is left out
  job[23] = (uint32_t)a->config | (is_far ? IN_WEIGHT_MEMORY : 0u);
  *register_at(JOBS_START) = 0;
}

/// Pixels of a line for rows that are a whole image, one job of few tiles; six where there is none:
/// lines of six are a job then, and what is left is another one.
static int32_t columns_of(int32_t rows) {
  for (int32_t columns = LINE; columns >= LEAST_LINE; columns--) {
    if (rows % columns == 0) {
      return columns;
    }
  }
  return LINE;
}

static inline int32_t jobs_of(int32_t rows, int32_t columns) {
  return rows > columns && rows % columns != 0 ? 2 : 1;
}

/// Jobs for all rows; `columns` 0: the only row is an image of three by three pixels.
static inline void start(const linear_neureka_args *a, const outputs_part *p, int32_t columns) {
  if (columns == 0) {
    start_job(a, p, 0, 3, (image_size){ONE | 1, 3 * ONE | 3, ONE | 1});
    return;
  }
  const int32_t lines = a->rows / columns, left = a->rows - lines * columns;
  if (lines > 0) {
    const int32_t full = (lines - 1) / LINE;
    const int32_t last = (lines - full * LINE) * ONE | columns;
    start_job(a, p, 0, columns, (image_size){last, last, (full + 1) * ONE | 1});
  }
  if (left > 0) {
    start_job(a, p, lines * columns, columns, (image_size){ONE | left, ONE | left, ONE | 1});
  }
}

/// Sleeps until at most so many jobs are left, of two. Events of others may end the sleep.
static inline void await_jobs(uint32_t most) {
  for (;;) {
    *register_at(XP_EVENT_UNIT) = JOB_EVENT;
    const uint32_t left = *register_at(JOBS_STATUS);
    if ((left & 1) + (left >> 8 & 1) <= most) {
      return;
    }
    xp_sleep();
  }
}

/// This core's share of a part: rows where there are enough for all, else outputs of each.
static inline void finish_part(const linear_neureka_args *a, const outputs_part *p, tw_work work) {
  const int32_t by_rows = a->rows >= XP_SHARES, start = work.start, stop = work.stop;
  const int32_t first = by_rows ? 0 : p->count * start >> 3;
  const int32_t count = (by_rows ? p->count : p->count * stop >> 3) - first;
  const int32_t row = by_rows ? a->rows * start >> 3 : 0,
                end = by_rows ? a->rows * stop >> 3 : a->rows;
  const int32_t outputs = a->outputs, pixel = a->inputs + TW_ROW_FACTOR_BYTES;
  const int32_t from = p->first + first, at = row * outputs + from;
  const int8_t *factor = a->x + row * pixel + a->inputs;
  const int32_t *sums = p->sums + row * p->count + first;
  const int16_t *added = a->residual ? a->residual + at : 0;
  int16_t *y = a->y + at;
  for (int32_t left = end - row; left > 0; left--) {
    const row_finish by = row_finish_of(factor, a->sum_shift, a->shift);
    finish_outputs(&by, sums, a->multiplier + from, added, y, count);
    factor += pixel;
    sums += p->count;
    added = added ? added + outputs : 0;
    y += outputs;
  }
}

/// Core 0 starts a part and waits for the one before it, which all then finish. Three buffers: the
/// slowest core may still read the part before that one.
static inline void do_parts(const linear_neureka_args *a, int32_t columns, tw_work work) {
  const int32_t each = a->part, outputs = a->outputs, buffer = a->rows * each;
  uint32_t jobs = 1;
  if (work.core == 0) {
    jobs = columns ? (uint32_t)jobs_of(a->rows, columns) : 1;
    await_jobs(0);
    tw_told[0] = (int32_t)(uintptr_t)work.scratch;
  }
  for (int32_t first = -each, at = -buffer; first < outputs; first += each) {
    const int32_t next = first + each, next_at = at + buffer == BUFFERS * buffer ? 0 : at + buffer;
    if (work.core == 0) {
      if (next < outputs) {
        const outputs_part part = {next, p_min(each, outputs - next),
                                   (int32_t *)work.scratch + next_at};
        start(a, &part, columns); // two jobs are taken when none of the part before is left
      }
      if (first >= 0) {
        await_jobs(next < outputs ? jobs : 0);
      }
    }
    outputs_part part = {0, 0, 0}; // the first time, only the code is brought to the cache
    if (first >= 0) {
      xp_meet();
      part = (outputs_part){first, p_min(each, outputs - first),
                            (int32_t *)(uintptr_t)tw_told[0] + at};
    }
    finish_part(a, &part, work);
    at = next_at;
  }
}

void linear_rows_neureka(const void *args, tw_work work) {
  const linear_neureka_args *const a = args;
  do_parts(a, columns_of(a->rows), work);
}

void linear_vector_neureka(const void *args, tw_work work) { do_parts(args, 0, work); }
