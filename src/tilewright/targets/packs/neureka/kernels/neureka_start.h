/// Starting a job of N-EUREKA: all kernels of the engine do this and nothing else.
#pragma once

#include "neureka_job.h"

enum {
  NEUREKA_ENGINE = 0x10201000,
  NEUREKA_START = 0,   // in words: write to start the job that was written
  NEUREKA_ACQUIRE = 1, // read: a job's number, negative where both contexts are taken
  NEUREKA_JOB = 8,     // the first word of the job
  NEUREKA_WEIGHT_MEMORY = 0x10400000,
  NEUREKA_IN_WEIGHT_MEMORY = 1 << 9
};

static inline uint32_t neureka_address(const void *at) { return (uint32_t)(uintptr_t)at; }

/// `shifts`: where those of the job's channels are.
static inline void neureka_start_with(const neureka_args *a, uint32_t shifts) {
  volatile uint32_t *const engine = (volatile uint32_t *)(uintptr_t)NEUREKA_ENGINE;
  volatile uint32_t *const job = engine + NEUREKA_JOB;
  const uint32_t weights = neureka_address(a->w);
  const int32_t is_far = weights >= NEUREKA_WEIGHT_MEMORY;
  __asm__ volatile("" : : : "memory"); // what the core has written is there before the job starts
  while ((engine[NEUREKA_ACQUIRE] >> 31) != 0) {
  }
  job[0] = is_far ? weights - NEUREKA_WEIGHT_MEMORY : weights;
  job[1] = neureka_address(a->x) - (uint32_t)a->before;
  job[2] = neureka_address(a->y);
  const uint32_t biases = neureka_address(a->bias);
  job[3] = biases + (uint32_t)a->scales;
  job[4] = shifts;
  job[5] = biases;
  job[6] = (uint32_t)a->in_pixel;
  job[7] = (uint32_t)a->in_row;
  job[8] = 0;
  job[9] = 32; // from one beat of an output pixel to the next
  job[10] = (uint32_t)a->out_pixel;
  job[11] = (uint32_t)a->out_row;
  job[12] = 32; // from one row of weights to the next
  job[13] = (uint32_t)a->weight_row;
  job[14] = 0;
  job[15] = (uint32_t)a->last_channels;
  job[16] = (uint32_t)a->last_out;
  job[17] = (uint32_t)a->last_in;
  job[18] = (uint32_t)a->channel_tiles;
  job[19] = (uint32_t)a->pixel_tiles;
  job[20] = (uint32_t)a->padding;
  job[21] = (uint32_t)a->weight_offset;
  job[22] = 0; // no tap of the window is left out
  job[23] = (uint32_t)a->config | (is_far ? NEUREKA_IN_WEIGHT_MEMORY : 0u);
  engine[NEUREKA_START] = 0;
}

static inline void neureka_start(const neureka_args *a) {
  neureka_start_with(a, neureka_address(a->bias) + 2 * (uint32_t)a->scales);
}
