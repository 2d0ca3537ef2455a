// N-EUREKA: what neureka.c (registers and timing) and neureka_compute.c (arithmetic) share.
#ifndef TW_NEUREKA_H
#define TW_NEUREKA_H

#include "sim.h"

enum { NEUREKA_REGISTERS = 24, NEUREKA_TILE = 6 };
enum { NEUREKA_3X3, NEUREKA_DEPTHWISE, NEUREKA_1X1 };

// One job, unpacked from its registers. Sizes in elements, strides and addresses in bytes.
typedef struct {
  uint32_t reg[NEUREKA_REGISTERS];
  int32_t mode, weight_bits, kernel;
  bool normalises, from_wmem, prefetches, streams_in, clips_signed, has_bias, shift_per_channel;
  bool signed_inputs;
  int32_t norm_bits, shift, out_bytes;
  int32_t sub_in, sub_out;                        // channels of a full tile
  int32_t in_tiles, out_tiles, rows, columns;     // counts of tiles
  int32_t rem_in, rem_out, rem_rows, rem_columns; // sizes of the last ones
  int32_t rem_in_rows, rem_in_columns;
  int32_t pad_top, pad_right, pad_bottom, pad_left, pad_value;
  int64_t started;
} neureka_job;

// Which output tile: channels, row, column.
typedef struct {
  int32_t o, i, j;
} neureka_tile;

static inline int32_t neureka_out_channels(const neureka_job *job, int32_t o) {
  return o == job->out_tiles - 1 ? job->rem_out : job->sub_out;
}
static inline int32_t neureka_height(const neureka_job *job, int32_t i) {
  return i == job->rows - 1 ? job->rem_rows : NEUREKA_TILE;
}
static inline int32_t neureka_width(const neureka_job *job, int32_t j) {
  return j == job->columns - 1 ? job->rem_columns : NEUREKA_TILE;
}
static inline int32_t neureka_in_height(const neureka_job *job, int32_t i) {
  return i == job->rows - 1 ? job->rem_in_rows : NEUREKA_TILE + job->kernel - 1;
}
static inline int32_t neureka_in_width(const neureka_job *job, int32_t j) {
  return j == job->columns - 1 ? job->rem_in_columns : NEUREKA_TILE + job->kernel - 1;
}
// L1 address of the first byte of an output pixel of a tile.
static inline uint32_t neureka_out_address(const neureka_job *job, neureka_tile t, int32_t row,
                                           int32_t column) {
  return job->reg[2] + (uint32_t)(t.i * NEUREKA_TILE + row) * job->reg[11] +
         (uint32_t)(t.j * NEUREKA_TILE + column) * job->reg[10] +
         (uint32_t)(t.o * job->sub_out * job->out_bytes);
}
static inline uint32_t neureka_in_address(const neureka_job *job, neureka_tile t, int32_t row,
                                          int32_t column, int32_t channel) {
  return job->reg[1] + (uint32_t)(t.i * NEUREKA_TILE + row) * job->reg[7] +
         (uint32_t)(t.j * NEUREKA_TILE + column) * job->reg[6] + (uint32_t)channel;
}

// Computes one output tile and stores it. Returns false after raising a fault (out of range).
bool neureka_compute(tw_sim *sim, const neureka_job *job, neureka_tile tile);
// A byte range of L1 (offset masked as the hardware does); NULL after raising a fault.
uint8_t *neureka_l1(tw_sim *sim, uint32_t address, uint32_t size);

#endif
