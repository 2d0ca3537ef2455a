#include "neureka_start.h"

enum { PITCH = 16 };

static inline void fill_rows(const neureka_narrow_args *a, uint32_t *words) {
  const uint32_t fill = (uint32_t)a->fill;
  for (int32_t row = 0; row < a->copy_rows; ++row) {
    words[0] = fill;
    words[1] = fill;
    words[2] = fill;
    words[3] = fill;
    words += PITCH / 4;
  }
}

/// Four loads before four stores: nothing waits for what it loads.
static inline void copy_bytes(uint8_t *to, const uint8_t *from, int32_t count) {
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint8_t b0 = from[i], b1 = from[i + 1], b2 = from[i + 2], b3 = from[i + 3];
    to[i] = b0;
    to[i + 1] = b1;
    to[i + 2] = b2;
    to[i + 3] = b3;
  }
  for (; i < count; ++i) {
    to[i] = from[i];
  }
}

static void copy_padded(const neureka_narrow_args *a, void *copy) {
  fill_rows(a, copy);
  const uint8_t *from = a->x;
  uint8_t *to = (uint8_t *)copy + a->first_row * PITCH + a->first_byte;
  const int32_t rows = a->rows, bytes = a->bytes, x_row = a->x_row;
  for (int32_t row = 0; row < rows; ++row) {
    copy_bytes(to, from, bytes);
    from += x_row;
    to += PITCH;
  }
}

void conv2d_narrow_neureka(const void *args, tw_work work) {
  const neureka_narrow_args *a = args;
  copy_padded(a, work.scratch);
  const neureka_args job = {
      .x = work.scratch,
      .w = a->w,
      .bias = a->bias,
      .y = a->y,
      .before = a->before,
      .scales = a->scales,
      .in_pixel = a->in_pixel,
      .in_row = a->in_row,
      .out_pixel = a->out_pixel,
      .out_row = a->out_row,
      .weight_row = a->weight_row,
      .last_channels = a->last_channels,
      .last_out = a->last_out,
      .last_in = a->last_in,
      .channel_tiles = a->channel_tiles,
      .pixel_tiles = a->pixel_tiles,
      .padding = a->padding,
      .weight_offset = a->weight_offset,
      .config = a->config,
  };
  neureka_start(&job);
}
