// The arithmetic of N-EUREKA: acc = sum x * (w + offset), y = clip((acc * scale + bias) >> shift).
#include "neureka.h"

#include <string.h>

enum { COLUMNS = NEUREKA_TILE * NEUREKA_TILE, ROW_BYTES = 32, WMEM_BASE = 0x10400000 };

uint8_t *neureka_l1(tw_sim *sim, uint32_t address, uint32_t size) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!tw_memory_at(sim, 0, 0x10000000u | (address & 0x3ffff), &memory, &offset, &latency) ||
      offset + size > memory->size) {
    tw_raise(sim, NULL, TW_F_NPU_RANGE, address, size);
    return NULL;
  }
  return memory->bytes + offset;
}

static const uint8_t *weight_row(tw_sim *sim, const neureka_job *job, uint32_t at) {
  tw_memory *memory;
  uint32_t offset;
  int32_t latency;
  if (!job->from_wmem) {
    return neureka_l1(sim, job->reg[0] + at, ROW_BYTES);
  }
  const uint32_t address = WMEM_BASE + job->reg[0] + at;
  if (!tw_memory_at(sim, 0, address, &memory, &offset, &latency) ||
      offset + ROW_BYTES > memory->size) {
    tw_raise(sim, NULL, TW_F_NPU_RANGE, address, ROW_BYTES);
    return NULL;
  }
  return memory->bytes + offset;
}

static uint32_t bit_of(const uint8_t *row, int32_t index) {
  return (uint32_t)row[index >> 3] >> (index & 7) & 1;
}

// Weights of one output channel and one tile of input channels: out[tap][channel], offset added.
static bool read_weights(tw_sim *sim, const neureka_job *job, int32_t channel, int32_t tile,
                         int32_t out[9][32]) {
  const int32_t taps = job->kernel * job->kernel;
  const bool is_1x1 = job->mode == NEUREKA_1X1;
  const int32_t rows = is_1x1 ? 1 : job->weight_bits;
  for (int32_t tap = 0; tap < taps; tap++) {
    for (int32_t c = 0; c < 32; c++) {
      out[tap][c] = (int32_t)job->reg[21];
    }
  }
  for (int32_t r = 0; r < rows; r++) {
    const uint32_t at = (uint32_t)channel * job->reg[13] + (uint32_t)(tile * rows + r) * ROW_BYTES;
    const uint8_t *row = weight_row(sim, job, at);
    if (row == NULL) {
      return false;
    }
    for (int32_t tap = 0; tap < taps; tap++) {
      for (int32_t c = 0; c < job->sub_in; c++) {
        if (is_1x1) {
          for (int32_t b = 0; b < job->weight_bits; b++) {
            out[tap][c] += (int32_t)(bit_of(row, c / 4 * 32 + b * 4 + c % 4) << b);
          }
        } else {
          out[tap][c] += (int32_t)(bit_of(row, tap * 28 + c) << r);
        }
      }
    }
  }
  return true;
}

// Inputs of a tile: out[row][column][channel]; padding has the padding value.
static bool read_inputs(tw_sim *sim, const neureka_job *job, neureka_tile t, int32_t first,
                        int32_t channels, int32_t out[8][8][32]) {
  const int32_t height = neureka_height(job, t.i) + job->kernel - 1;
  const int32_t width = neureka_width(job, t.j) + job->kernel - 1;
  for (int32_t r = 0; r < height; r++) {
    for (int32_t c = 0; c < width; c++) {
      const bool is_pad = (t.i == 0 && r < job->pad_top) || (t.j == 0 && c < job->pad_left) ||
                          r >= neureka_in_height(job, t.i) || c >= neureka_in_width(job, t.j);
      const uint8_t *pixel = NULL;
      if (!is_pad) {
        pixel = neureka_l1(sim, neureka_in_address(job, t, r, c, first), (uint32_t)channels);
        if (pixel == NULL) {
          return false;
        }
      }
      for (int32_t k = 0; k < channels; k++) {
        const int32_t value = pixel == NULL ? job->pad_value : pixel[k];
        out[r][c][k] = job->signed_inputs ? (int8_t)value : value;
      }
    }
  }
  return true;
}

static int64_t dot(const neureka_job *job, int32_t x[8][8][32], int32_t w[9][32], int32_t row,
                   int32_t column, int32_t first, int32_t stop) {
  int64_t sum = 0;
  for (int32_t tap = 0; tap < job->kernel * job->kernel; tap++) {
    if ((job->reg[22] >> tap & 1) != 0) {
      continue;
    }
    const int32_t *pixel = x[row + tap / job->kernel][column + tap % job->kernel];
    for (int32_t c = first; c < stop; c++) {
      sum += (int64_t)pixel[c] * w[tap][c];
    }
  }
  return sum;
}

static bool accumulate(tw_sim *sim, const neureka_job *job, neureka_tile t,
                       int64_t acc[32][COLUMNS]) {
  static const int32_t all = NEUREKA_TILE;
  const int32_t channels = neureka_out_channels(job, t.o);
  const bool is_depthwise = job->mode == NEUREKA_DEPTHWISE;
  const int32_t tiles = is_depthwise ? 1 : job->in_tiles;
  for (int32_t m = 0; m < tiles; m++) {
    int32_t x[8][8][32], w[9][32];
    const int32_t in_last = m == tiles - 1 ? job->rem_in : job->sub_in;
    const int32_t count = is_depthwise ? channels : in_last;
    const int32_t first = is_depthwise ? t.o * job->sub_out : m * job->sub_in;
    if (!read_inputs(sim, job, t, first, count, x)) {
      return false;
    }
    for (int32_t o = 0; o < channels; o++) {
      const int32_t from = is_depthwise ? 0 : t.o * job->sub_out + o;
      if ((!is_depthwise || o == 0) && !read_weights(sim, job, from, is_depthwise ? t.o : m, w)) {
        return false;
      }
      for (int32_t p = 0; p < neureka_height(job, t.i) * all; p++) {
        if (p % all < neureka_width(job, t.j)) {
          acc[o][p] +=
              dot(job, x, w, p / all, p % all, is_depthwise ? o : 0, is_depthwise ? o + 1 : count);
        }
      }
    }
  }
  return true;
}

static bool read_norm(tw_sim *sim, const neureka_job *job, int32_t channel, uint32_t *scale,
                      int32_t *bias, int32_t *shift) {
  const uint32_t bytes = (uint32_t)job->norm_bits / 8;
  const uint8_t *from = neureka_l1(sim, job->reg[3] + (uint32_t)channel * bytes, bytes);
  *scale = 0;
  *bias = 0;
  *shift = job->shift;
  if (from == NULL) {
    return false;
  }
  memcpy(scale, from, bytes);
  if (job->has_bias) {
    from = neureka_l1(sim, job->reg[5] + 4 * (uint32_t)channel, 4);
    if (from == NULL) {
      return false;
    }
    memcpy(bias, from, 4);
  }
  if (job->shift_per_channel) {
    from = neureka_l1(sim, job->reg[4] + (uint32_t)channel, 1);
    if (from == NULL) {
      return false;
    }
    *shift = *from & 31;
  }
  return true;
}

static int32_t normalised(const neureka_job *job, int64_t acc, uint32_t scale, int32_t bias,
                          int32_t shift) {
  const uint64_t sum = (uint64_t)acc * scale + (uint64_t)(int64_t)bias;
  const int32_t value = (int32_t)(uint32_t)sum >> shift;
  const int32_t low = job->clips_signed ? -128 : 0, high = job->clips_signed ? 127 : 255;
  return value < low ? low : value > high ? high : value;
}

bool neureka_compute(tw_sim *sim, const neureka_job *job, neureka_tile tile) {
  static const int32_t all = NEUREKA_TILE;
  int64_t acc[32][COLUMNS];
  memset(acc, 0, sizeof acc);
  if (!accumulate(sim, job, tile, acc)) {
    return false;
  }
  for (int32_t o = 0; o < neureka_out_channels(job, tile.o); o++) {
    uint32_t scale = 0;
    int32_t bias = 0, shift = 0;
    const int32_t channel = tile.o * job->sub_out + o;
    if (job->normalises && !read_norm(sim, job, channel, &scale, &bias, &shift)) {
      return false;
    }
    for (int32_t p = 0; p < neureka_height(job, tile.i) * all; p++) {
      if (p % all >= neureka_width(job, tile.j)) {
        continue;
      }
      const uint32_t address =
          neureka_out_address(job, tile, p / all, p % all) + (uint32_t)(o * job->out_bytes);
      uint8_t *to = neureka_l1(sim, address, (uint32_t)job->out_bytes);
      if (to == NULL) {
        return false;
      }
      int32_t before = 0;
      memcpy(&before, to, job->streams_in ? 4 : 0);
      const int64_t sum = acc[o][p] + before;
      const int32_t value =
          job->normalises ? normalised(job, sum, scale, bias, shift) : (int32_t)(uint32_t)sum;
      memcpy(to, &value, (size_t)job->out_bytes);
    }
  }
  return true;
}
