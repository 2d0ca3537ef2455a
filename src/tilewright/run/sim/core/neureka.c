// N-EUREKA: registers, the two contexts, and how long a job takes.
//
// A job walks over output tiles (channels, rows, columns). Per tile it loads inputs and multiplies
// for every tile of input channels, normalises, and streams out; every phase waits for the one
// before unless prefetching hides the multiplication behind the next load. Beats that touch L1
// read nine words and wait for the slowest bank.
#include "neureka.h"

#include "memory.h"

#include <stdlib.h>

enum { WORDS_PER_BEAT = 9, CONTEXTS = 2 };

typedef enum { STREAM_IN, LOAD, MULTIPLY, NORMALISE, STREAM_OUT } phase;

struct tw_neureka {
  neureka_job jobs[CONTEXTS];
  uint32_t shadow[NEUREKA_REGISTERS]; // of the context that is being filled
  int32_t count;                      // contexts that wait or run
  bool is_acquired;
  int32_t next_id, running_id;
  neureka_tile tile;
  int32_t in_tile, beat;
  phase at;
  int64_t hidden, load_start; // multiplication that a load may hide; when the load began
};

static int32_t high(uint32_t v) { return (int32_t)(v >> 16); }
static int32_t low(uint32_t v) { return (int32_t)(v & 0xffff); }
static int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

static void unpack(neureka_job *job) {
  const uint32_t config = job->reg[23];
  job->weight_bits = (int32_t)(config & 7) + 1;
  job->normalises = (config >> 4 & 1) != 0;
  job->mode = (int32_t)(config >> 5 & 3);
  job->kernel = job->mode == NEUREKA_1X1 ? 1 : 3;
  job->from_wmem = (config >> 9 & 1) != 0;
  job->prefetches = (config >> 10 & 1) != 0;
  job->norm_bits = 8 << (config >> 12 & 3);
  job->streams_in = (config >> 14 & 1) != 0;
  job->shift = (int32_t)(config >> 16 & 31);
  job->out_bytes = job->normalises ? 1 : 1 << (config >> 21 & 3);
  job->clips_signed = (config >> 23 & 1) != 0;
  job->shift_per_channel = (config >> 24 & 1) != 0;
  job->has_bias = (config >> 25 & 1) != 0;
  job->signed_inputs = (config >> 26 & 1) != 0;
  job->sub_in = job->mode == NEUREKA_1X1 ? 32 : 28;
  job->sub_out = job->mode == NEUREKA_DEPTHWISE ? 28 : 32;
  job->rem_out = high(job->reg[15]);
  job->rem_in = low(job->reg[15]);
  job->rem_rows = high(job->reg[16]);
  job->rem_columns = low(job->reg[16]);
  job->rem_in_rows = high(job->reg[17]);
  job->rem_in_columns = low(job->reg[17]);
  job->out_tiles = high(job->reg[18]);
  job->in_tiles = job->mode == NEUREKA_DEPTHWISE ? 1 : low(job->reg[18]);
  job->rows = high(job->reg[19]);
  job->columns = low(job->reg[19]);
  job->pad_top = (int32_t)(job->reg[20] >> 28);
  job->pad_right = (int32_t)(job->reg[20] >> 24 & 15);
  job->pad_bottom = (int32_t)(job->reg[20] >> 20 & 15);
  job->pad_left = (int32_t)(job->reg[20] >> 16 & 15);
  job->pad_value = (int32_t)(job->reg[20] & 0xff);
}

// What this model does not do, and sizes that the hardware has no room for, stop the run.
static bool is_sound(const neureka_job *job) {
  const bool is_plain = (job->reg[23] >> 3 & 1) == 0 && (job->reg[23] >> 7 & 3) == 0 &&
                        job->mode <= NEUREKA_1X1 && job->norm_bits <= 32;
  const bool fits = job->rem_in >= 1 && job->rem_in <= job->sub_in && job->rem_out >= 1 &&
                    job->rem_out <= job->sub_out && job->rem_rows >= 1 && job->rem_rows <= 6 &&
                    job->rem_columns >= 1 && job->rem_columns <= 6 && job->in_tiles >= 1 &&
                    job->out_tiles >= 1 && job->rows >= 1 && job->columns >= 1;
  const bool in_fits = job->rem_in_rows <= job->rem_rows + job->kernel - 1 &&
                       job->rem_in_columns <= job->rem_columns + job->kernel - 1;
  return is_plain && fits && in_fits &&
         (!job->streams_in || job->out_bytes == 4 || job->normalises);
}

// Cycles of one beat at an L1 address.
static int64_t beat(tw_sim *sim, uint32_t address) {
  tw_memory *l1;
  uint32_t offset;
  int32_t latency, longest = 0;
  if (!tw_memory_at(sim, 0, 0x10000000u | (address & 0x3ffff), &l1, &offset, &latency)) {
    return 1;
  }
  for (uint32_t word = 0; word < WORDS_PER_BEAT; word++) {
    const int32_t wait = tw_bank_wait(sim, l1, (offset + 4 * word) & (l1->size - 1), sim->now, 0);
    longest = wait > longest ? wait : longest;
  }
  return 1 + longest;
}

static int64_t multiply_setup(const neureka_job *job) {
  return job->mode == NEUREKA_DEPTHWISE ? 34
         : job->mode == NEUREKA_3X3     ? 6
         : job->prefetches              ? 7
                                        : 10;
}

static int64_t multiply_cycles(const neureka_job *job, int32_t channels) {
  switch (job->mode) {
  case NEUREKA_1X1:
    return channels;
  case NEUREKA_3X3:
    return channels * job->weight_bits + 8;
  default:
    return job->from_wmem ? channels * job->weight_bits : job->weight_bits;
  }
}

static int64_t normalise_cycles(const neureka_job *job, int32_t o) {
  const bool is_partial = o == job->out_tiles - 1 && job->rem_out != 32;
  const int32_t scales = is_partial ? ceil_div(job->rem_out, 32 / job->norm_bits) : job->norm_bits;
  return scales + 21 + job->shift_per_channel;
}

static bool is_last_of_channels(const tw_neureka *npu, const neureka_job *job) {
  return npu->tile.i == job->rows - 1 && npu->tile.j == job->columns - 1 &&
         npu->in_tile == job->in_tiles - 1;
}

static int64_t step_load(tw_sim *sim, const neureka_job *job) {
  tw_neureka *npu = sim->neureka;
  const int32_t width = neureka_in_width(job, npu->tile.j);
  const int32_t pixels = neureka_in_height(job, npu->tile.i) * width;
  if (npu->beat == 0) {
    npu->beat = 1;
    npu->load_start = tw_cluster_cycle(sim);
    return 6;
  }
  const int32_t pixel = npu->beat++ - 1;
  if (pixel < pixels) {
    const int32_t channel =
        job->mode == NEUREKA_DEPTHWISE ? npu->tile.o * job->sub_out : npu->in_tile * job->sub_in;
    return beat(sim, neureka_in_address(job, npu->tile, pixel / width, pixel % width, channel));
  }
  npu->at = MULTIPLY;
  npu->beat = 0;
  return job->mode == NEUREKA_1X1 ? 36 - pixels + 6 : 0;
}

static int64_t step_multiply(tw_sim *sim, const neureka_job *job) {
  tw_neureka *npu = sim->neureka;
  const int32_t channels = neureka_out_channels(job, npu->tile.o);
  const int64_t setup = multiply_setup(job), work = multiply_cycles(job, channels);
  const int64_t load = tw_cluster_cycle(sim) - npu->load_start - 6;
  int64_t total = setup + work;
  if (job->prefetches) {
    const int64_t rest = npu->hidden - (load + 3);
    const bool is_last = is_last_of_channels(npu, job);
    total = (rest > 0 ? rest : 0) + setup + (is_last ? work : 0);
    npu->hidden = setup;
    if (!is_last) {
      npu->hidden += job->mode == NEUREKA_DEPTHWISE ? job->weight_bits : work;
    }
  }
  npu->in_tile++;
  npu->at = npu->in_tile < job->in_tiles ? LOAD : job->normalises ? NORMALISE : STREAM_OUT;
  return total;
}

static int64_t step_stream_in(tw_sim *sim, const neureka_job *job) {
  tw_neureka *npu = sim->neureka;
  const int32_t width = neureka_width(job, npu->tile.j);
  const int32_t per_pixel = ceil_div(neureka_out_channels(job, npu->tile.o), 8);
  const int32_t beats = neureka_height(job, npu->tile.i) * width * per_pixel;
  if (npu->beat == 0) {
    npu->beat = 1;
    return 10;
  }
  const int32_t index = npu->beat++ - 1;
  if (index == beats - 1) {
    npu->at = LOAD;
    npu->beat = 0;
  }
  const int32_t pixel = index / per_pixel;
  return beat(sim, neureka_out_address(job, npu->tile, pixel / width, pixel % width) +
                       32u * (uint32_t)(index % per_pixel));
}

// Columns beyond the tile's width take time too, except after the last row.
static int64_t step_stream_out(tw_sim *sim, const neureka_job *job) {
  tw_neureka *npu = sim->neureka;
  const int32_t height = neureka_height(job, npu->tile.i), width = neureka_width(job, npu->tile.j);
  const int32_t per_pixel =
      job->out_bytes == 4 ? ceil_div(neureka_out_channels(job, npu->tile.o), 8) : 1;
  const int32_t beats = ((height - 1) * NEUREKA_TILE + width) * per_pixel;
  const int32_t index = npu->beat++;
  if (index == beats) {
    npu->beat = 0;
    npu->in_tile = 0;
    npu->at = job->streams_in ? STREAM_IN : LOAD;
    neureka_compute(sim, job, npu->tile);
    npu->tile.j++;
    if (npu->tile.j == job->columns) {
      npu->tile.j = 0;
      npu->tile.i++;
    }
    if (npu->tile.i == job->rows) {
      npu->tile.i = 0;
      npu->tile.o++;
      npu->hidden = 0;
    }
    return job->mode == NEUREKA_1X1 ? 3 : 0;
  }
  const int32_t pixel = index / per_pixel;
  if (pixel % NEUREKA_TILE >= width) {
    return 1;
  }
  return beat(sim, neureka_out_address(job, npu->tile, pixel / NEUREKA_TILE, pixel % NEUREKA_TILE) +
                       32u * (uint32_t)(index % per_pixel));
}

static int64_t step(tw_sim *sim, const neureka_job *job) {
  switch (sim->neureka->at) {
  case STREAM_IN:
    return step_stream_in(sim, job);
  case LOAD:
    return step_load(sim, job);
  case MULTIPLY:
    return step_multiply(sim, job);
  case NORMALISE:
    sim->neureka->at = STREAM_OUT;
    return normalise_cycles(job, sim->neureka->tile.o);
  default:
    return step_stream_out(sim, job);
  }
}

static void start(tw_sim *sim, int64_t cycle);

static void finish(tw_sim *sim) {
  tw_neureka *npu = sim->neureka;
  tw_record(sim, TW_TRACK_NPU, (uint32_t)npu->running_id, npu->jobs[0].started,
            tw_cluster_cycle(sim));
  tw_trigger(sim, 1u << TW_EVENT_NPU, 0, tw_cluster_cycle(sim));
  npu->count--;
  npu->running_id++;
  if (npu->count > 0) {
    npu->jobs[0] = npu->jobs[1];
    start(sim, tw_cluster_cycle(sim) + 1);
  }
}

static void npu_handler(tw_sim *sim, int32_t slot) {
  tw_neureka *npu = sim->neureka;
  int64_t delay = 0;
  while (delay == 0 && npu->tile.o < npu->jobs[0].out_tiles && sim->fault == TW_F_NONE) {
    delay = step(sim, &npu->jobs[0]);
  }
  if (sim->fault != TW_F_NONE) {
    return;
  }
  if (delay == 0) {
    finish(sim);
  } else {
    tw_schedule(sim, slot, npu_handler, tw_cluster_cycle(sim) + delay);
  }
}

static void start(tw_sim *sim, int64_t cycle) {
  tw_neureka *npu = sim->neureka;
  neureka_job *job = &npu->jobs[0];
  const neureka_tile first = {0, 0, 0};
  npu->tile = first;
  npu->in_tile = npu->beat = 0;
  npu->hidden = 0;
  npu->at = job->streams_in ? STREAM_IN : LOAD;
  job->started = cycle;
  tw_schedule(sim, TW_SLOT_NPU, npu_handler, cycle);
}

int64_t tw_neureka_given(const tw_sim *sim) {
  return sim->neureka == NULL ? 0 : sim->neureka->running_id + sim->neureka->count;
}

static void commit(tw_sim *sim, int64_t cycle) {
  tw_neureka *npu = sim->neureka;
  if (npu->count == CONTEXTS) {
    return;
  }
  neureka_job *job = &npu->jobs[npu->count++];
  memcpy(job->reg, npu->shadow, sizeof job->reg);
  npu->is_acquired = false;
  unpack(job);
  if (!is_sound(job)) {
    tw_raise(sim, NULL, TW_F_DEVICE, job->reg[23], 0);
    return;
  }
  if (npu->count == 1) {
    start(sim, cycle + 1);
  }
}

static uint32_t access_registers(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                 uint32_t value, bool is_write) {
  (void)core;
  tw_neureka *npu = sim->neureka;
  if (offset >= 0x20 && offset < 0x20 + 4 * NEUREKA_REGISTERS) {
    uint32_t *reg = &npu->shadow[(offset - 0x20) / 4];
    *reg = is_write ? value : *reg;
    return *reg;
  }
  switch (offset) {
  case 0x00:
    if (is_write) {
      commit(sim, cycle);
    }
    return 0;
  case 0x04:
    if (npu->count == CONTEXTS || npu->is_acquired) {
      return UINT32_MAX;
    }
    npu->is_acquired = true;
    return (uint32_t)npu->next_id++ & 0xff;
  case 0x0c:
    return npu->count == 2 ? 0x101 : npu->count == 1 ? 0x001 : 0;
  case 0x10:
    return (uint32_t)npu->running_id & 0xff;
  default:
    return 0; // trace level and format: of no effect
  }
}

bool tw_plug_neureka(tw_sim *sim) {
  sim->neureka = calloc(1, sizeof *sim->neureka);
  sim->devices[TW_NEUREKA] = access_registers;
  return sim->neureka != NULL;
}
