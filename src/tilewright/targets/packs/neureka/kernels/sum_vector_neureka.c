#include "neureka_start.h"

void sum_vector_neureka(const void *args, tw_work work) {
  const sum_vector_neureka_args *const a = args;
  (void)work; // one item: the whole job
  const neureka_args job = {
      .x = a->x,
      .w = a->w,
      .y = a->y,
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
      .weight_offset = a->weight_offset,
      .config = a->config,
  };
  neureka_start(&job);
}
