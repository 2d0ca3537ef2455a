#include "neureka_start.h"

enum { LINE = 6, ONE = 1 << 16 };

/// `lines` lines of `pixels` pixels from row `first` on.
static void start_lines(const sum_rows_neureka_args *a, int32_t first, int32_t lines,
                        int32_t pixels) {
  const int32_t full = (lines - 1) / LINE;
  const int32_t last = (lines - full * LINE) * ONE | pixels;
  const neureka_args job = {
      .x = a->x + first * a->in_pixel,
      .w = a->w,
      .y = (uint8_t *)a->y + first * a->out_pixel,
      .in_pixel = a->in_pixel,
      .in_row = LINE * a->in_pixel,
      .out_pixel = a->out_pixel,
      .out_row = LINE * a->out_pixel,
      .weight_row = a->weight_row,
      .last_channels = a->last_channels,
      .last_out = last,
      .last_in = last,
      .channel_tiles = a->channel_tiles,
      .pixel_tiles = (full + 1) * ONE | 1,
      .weight_offset = a->weight_offset,
      .config = a->config,
  };
  neureka_start(&job);
}

void sum_rows_neureka(const void *args, tw_work work) {
  const sum_rows_neureka_args *const a = args;
  (void)work; // one item: both jobs
  const int32_t lines = a->rows / LINE, left = a->rows - lines * LINE;
  if (lines > 0) {
    start_lines(a, 0, lines, LINE);
  }
  if (left > 0) {
    start_lines(a, lines * LINE, 1, left);
  }
}
