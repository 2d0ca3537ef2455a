// ITA, the integer transformer accelerator: what ita.c (registers, jobs, time) and ita_compute.c
// (arithmetic) share.
#ifndef TW_ITA_H
#define TW_ITA_H

#include "snitch.h"

enum { ITA_TILE = 64, ITA_TILE_BYTES = 4096, ITA_PASS_BYTES = 1024, ITA_REGISTERS = 17 };
enum { ITA_CONTEXTS = 4 };

// Registers of a job, in words from 0x20 on.
enum {
  ITA_INPUT,
  ITA_WEIGHT,
  ITA_NEXT_WEIGHT,
  ITA_BIAS,
  ITA_OUTPUT,
  ITA_LENGTH,
  ITA_TILES,
  ITA_MULTIPLIERS,
  ITA_SHIFTS = ITA_MULTIPLIERS + 2,
  ITA_ADDS = ITA_SHIFTS + 2,
  ITA_ENGINE = ITA_ADDS + 2,
  ITA_STREAM,
  ITA_GELU,
  ITA_ACTIVATION,
};
enum { ITA_PRELOAD = 1, ITA_NEXTLOAD = 2, ITA_NO_BIAS = 4, ITA_BIAS_ROWS = 8, ITA_NO_OUTPUT = 16 };
typedef enum { ITA_ATTENTION, ITA_FEEDFORWARD, ITA_LINEAR, ITA_SINGLE_ATTENTION } ita_layer;
typedef enum { ITA_IDENTITY, ITA_GELU_CURVE, ITA_RELU } ita_curve;
typedef enum {
  ITA_IDLE,
  ITA_Q,
  ITA_K,
  ITA_V,
  ITA_QK,
  ITA_AV,
  ITA_OW,
  ITA_F1,
  ITA_F2,
  ITA_MATMUL,
} ita_step;

// Statistics of one row of logits.
typedef struct {
  int32_t largest;
  uint32_t sum, inverse;
} ita_row;

struct tw_ita {
  int32_t contexts, softmax_shift;
  uint32_t reg[ITA_CONTEXTS][ITA_REGISTERS]; // by context
  uint32_t owner[ITA_CONTEXTS];              // the core that committed it
  uint8_t id[ITA_CONTEXTS];
  int32_t programmed, running, queued; // contexts: being written; at work; committed
  uint32_t next_id, running_id, lock;  // lock: 1 + the core that is programming
  bool is_started, is_busy, is_triggered;
  ita_step step;
  int32_t inner, outer, block; // counters across jobs
  int32_t sums[ITA_TILE][ITA_TILE];
  ita_row rows[ITA_TILE];
  int8_t first_weights[ITA_PASS_BYTES];         // of the next tile
  int16_t x[ITA_TILE_BYTES], w[ITA_TILE_BYTES]; // operands of the job, widened
  int8_t result[ITA_TILE_BYTES];
  int64_t started, finish;         // of the job at work
  int32_t accesses, done_accesses; // of its port
  int64_t due_half;                // half cycles: when the next access is due
  int64_t lag;
  bool has_output, is_reserved;
};

// What a step does with the tiles of one job.
typedef struct {
  int32_t inner_tiles, outputs, requantisation;
  bool is_first, is_last; // inner tile
} ita_tile_plan;

// Adds one tile, and where it is the last one fills `result`; false after raising a fault.
bool tw_ita_compute(tw_sim *sim, const uint32_t *reg, const ita_tile_plan *plan);
// A byte range of the TCDM; NULL after raising a fault.
uint8_t *tw_ita_memory(tw_sim *sim, uint32_t offset, uint32_t size);

#endif
