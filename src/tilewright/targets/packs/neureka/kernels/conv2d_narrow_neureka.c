#include "neureka_start.h"

enum { PITCH = 16 };

static void copy_padded(const neureka_narrow_args *a, void *copy) {
  uint32_t *words = copy;
  for (int32_t i = 0; i < a->copy_rows * (PITCH / 4); ++i) {
    words[i] = (uint32_t)a->fill;
  }
  const uint8_t *from = a->x;
  uint8_t *to = (uint8_t *)copy + a->first_row * PITCH + a->first_byte;
  for (int32_t row = 0; row < a->rows; ++row) {
    for (int32_t i = 0; i < a->bytes; ++i) {
      to[i] = from[i];
    }
    from += a->x_row;
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
